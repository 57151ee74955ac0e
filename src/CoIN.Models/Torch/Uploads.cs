using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Torch;

/// <summary>
/// Copies from main memory to a device that the host does not wait for: a GPU fetches from pages that stay where they are (pinned ones), in
/// the order of what it is asked for.
/// </summary>
internal static class Uploads
{
    /// <summary>A tensor on a device.</summary>
    /// <param name="host">In main memory; itself where that is the device.</param>
    public static Tensor To(Tensor host, Device device)
    {
        if (device.type != DeviceType.CUDA)
        {
            return host.to(device);
        }

        // The allocator of pinned memory gives it out again only when the copy is done.
        using var pinned = host.pin_memory();
        return pinned.to(device, non_blocking: true);
    }

    /// <summary>Arrays of indices by one copy.</summary>
    /// <param name="arrays">Null for none.</param>
    /// <returns>int64 [length] each, views of one tensor; the dispose scope that is open has them.</returns>
    public static Tensor?[] Indices(Device device, params long[]?[] arrays)
    {
        using var scope = NewDisposeScope();
        var all = To(tensor([.. arrays.SelectMany(array => array ?? [])]), device);
        long at = 0;
        return
        [
            .. arrays.Select(array =>
            {
                at += array?.Length ?? 0;
                return array is null ? null : all.narrow(0, at - array.Length, array.Length).MoveToOuterDisposeScope();
            }),
        ];
    }
}
