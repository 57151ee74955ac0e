using CoIN.Benchmark;
using CoIN.Models.Devices;
using CoIN.Models.Torch;
using Newtonsoft.Json;

/// <summary>
/// Where .NET begins in a process whose DOTNET_STARTUP_HOOKS names this assembly (it asks for this name, without a namespace): in the child
/// that tries a libtorch of another version. It never gets to the program's own Main.
/// </summary>
internal static class StartupHook
{
    public static void Initialize()
    {
        if (!LibtorchTrial.IsChild)
        {
            return;
        }

        var status = 0;
        try
        {
            TorchLibrary.ThrowIfUnusable();
            var result = LibtorchComputations.Run(step => Console.WriteLine(LibtorchTrial.StepMark + step));
            Console.WriteLine(LibtorchTrial.ResultMark + JsonConvert.SerializeObject(result));
        }
#pragma warning disable CA1031 // Whatever happens here is what the parent wants to know.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Console.WriteLine((e is CoinException ? e : e.GetBaseException()).Message.Split('\n')[0]);
            status = 1;
        }

        Console.Out.Flush();
        Environment.Exit(status);
    }
}
