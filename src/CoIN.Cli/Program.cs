using CoIN.Cli;
using CoIN.Cli.Engine;

return await Composition.RunAsync(args, new LlavaEngine(), new Miniature()).ConfigureAwait(false);
