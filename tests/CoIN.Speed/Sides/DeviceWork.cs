using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Speed.Sides;

/// <summary>Work of devices that goes on behind the calls that began it.</summary>
internal static class DeviceWork
{
    /// <summary>Returns when all of it is done: before a clock is read.</summary>
    public static void Await(Device device)
    {
        if (device.type == DeviceType.CUDA)
        {
            cuda.synchronize(device);
        }
    }
}
