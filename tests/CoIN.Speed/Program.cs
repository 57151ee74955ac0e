using CoIN.Benchmark;
using CoIN.Speed;
using CoIN.Speed.Memory;
using CoIN.Speed.Scheduling;
using CoIN.Speed.Sides;
using CoIN.Speed.Teams;
using CoIN.Speed.Workloads;

// The first word chooses a measurement; without one the product is compared with its peer.
try
{
    return args.FirstOrDefault() switch
    {
        Side.Command => Side.Serve(args[1], args[2]),
        MemorySide.Command => MemorySide.Serve(args[1], args[2], args[3]),
        MemoryCommand.Name => MemoryCommand.Build().Parse(args[1..]).Invoke(),
        BasesCommand.Side => BasesCommand.Serve(args[1], args[2], args[3]),
        BasesCommand.Name => BasesCommand.Build().Parse(args[1..]).Invoke(),
        WorkloadCommand.Name => WorkloadCommand.Build().Parse(args[1..]).Invoke(),
        AdaptersCommand.Name => AdaptersCommand.Build().Parse(args[1..]).Invoke(),
        QuantizationCommand.Name => QuantizationCommand.Build().Parse(args[1..]).Invoke(),
        DataParallelCommand.Name => DataParallelCommand.Build().Parse(args[1..]).Invoke(),
        SchedulingCommand.Name => SchedulingCommand.Build().Parse(args[1..]).Invoke(),
        _ => CompareCommand.Build().Parse(args).Invoke(),
    };
}
catch (CoinException fault)
{
    Console.Error.WriteLine(fault.Message);
    return 1;
}
