namespace CoIN.Actors.Workers;

/// <summary>
/// A GPU that this process cannot use any more, while another process can: whatever is tried on it from now on fails. Published to the
/// node, which ends.
/// </summary>
/// <param name="Reason">What the device's library said.</param>
internal sealed record BrokenDevice(string Device, string Reason)
{
    // Of these errors CUDA's reference says that the process has to be ended and begun anew (cudaError_t). Memory that runs out is none.
    private static readonly string[] Errors =
    [
        "an illegal memory access was encountered",
        "an illegal instruction was encountered",
        "device-side assert triggered",
        "unspecified launch failure",
        "the launch timed out and was terminated",
        "misaligned address",
        "invalid program counter",
        "hardware stack error",
        "operation not supported on global/shared address space",
        "uncorrectable ECC error encountered",
        "uncorrectable NVLink error detected",
    ];

    /// <returns>Null where the device is as good as before.</returns>
    public static BrokenDevice? By(Exception fault, string device)
    {
        var reason = fault.Message.Split('\n')[0].Trim();
        return
            device != "cpu"
            && reason.Contains("CUDA", StringComparison.Ordinal)
            && Array.Exists(Errors, error => reason.Contains(error, StringComparison.OrdinalIgnoreCase))
            ? new BrokenDevice(device, reason)
            : null;
    }
}
