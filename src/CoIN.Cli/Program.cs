using CoIN.Cli;
using CoIN.Cli.Engine;

var absent = new Absent();
return await Composition.RunAsync(args, absent, absent).ConfigureAwait(false);
