using CoIN.Cli;
using CoIN.Cli.Engine;

return await Composition.RunAsync(args, new RunEngine(), new Miniature()).ConfigureAwait(false);
