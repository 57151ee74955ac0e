using CoIN.Benchmark;
using CoIN.Speed;
using CoIN.Speed.Sides;

// The first word chooses a measurement; without one the product is compared with its peer.
try
{
    return args.FirstOrDefault() switch
    {
        Side.Command => Side.Serve(args[1], args[2]),
        _ => CompareCommand.Build().Parse(args).Invoke(),
    };
}
catch (CoinException fault)
{
    Console.Error.WriteLine(fault.Message);
    return 1;
}
