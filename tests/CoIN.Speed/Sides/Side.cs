using System.Diagnostics;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Torch;
using CoIN.Speed.Workloads;
using Newtonsoft.Json;
using Newtonsoft.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Speed.Sides;

/// <summary>
/// The product's side in a process of its own. Requests come as lines ("warm TASK", "run TASK", "again TASK", "memory", "quit"); a line of
/// JSON answers each.
/// </summary>
internal static class Side
{
    public const string Command = "side";

    private static readonly JsonSerializerSettings Json = new() { ContractResolver = new CamelCasePropertyNamesContractResolver() };

    /// <param name="kind">train or generate.</param>
    public static int Serve(string kind, string folder)
    {
        var workload = Workload.Read(folder);
        set_num_threads(workload.Threads);
        var dtype = TorchNames.Dtype(workload.Dtype);
        var device = TorchNames.Device(workload.Device);
        var gemm = Gemm(dtype, device);
        using var model = SpeedFamily.Of(workload.Family).Load(Workload.ModelOf(folder), dtype, device);
        using ISideWork work = kind == "train" ? new OurTraining(model, workload, folder) : new OurGeneration(model, workload, folder);

        // What counts elsewhere is the device's memory, which whoever asks can see from outside.
        var memory = device.type == DeviceType.CPU ? new ProcessMemory() : null;
        Reply(new SideHello(gemm, $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {torch.__version__}"));
        while (Console.ReadLine()?.Split(' ') is { } words && words[0] != "quit")
        {
            Reply(words[0] == "memory" ? memory?.Report() ?? new SideMemory(0, 0) : work.Run(words[1], words[0]));
        }

        return 0;
    }

    private static void Reply(object value) => Console.WriteLine(JsonConvert.SerializeObject(value, Json));

    private static double Gemm(ScalarType dtype, Device device)
    {
        const int Repeats = 4;
        var size = device.type == DeviceType.CPU ? 1024 : 8192;
        using var scope = NewDisposeScope();
        var a = randn(size, size).to(dtype).to(device);
        var b = randn(size, size).to(dtype).to(device);
        DeviceWork.Await(device);
        double best = 0;
        for (var i = 0; i < 5; i++)
        {
            var clock = Stopwatch.StartNew();
            for (var k = 0; k < Repeats; k++)
            {
                MatrixProduct.Linear(a, b, null).Dispose();
            }

            DeviceWork.Await(device);
            best = Math.Max(best, Repeats * 2.0 * size * size * size / clock.Elapsed.TotalSeconds / 1e9);
        }

        return best;
    }
}

/// <summary>What a side can be asked to do.</summary>
internal interface ISideWork : IDisposable
{
    /// <param name="task">Name of a task, or "train".</param>
    /// <param name="how">warm (a little of it, unmeasured), run, or again (with the picture features that an earlier run left).</param>
    SideRun Run(string task, string how);
}
