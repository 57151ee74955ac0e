using CoIN.UnrulyEndpoint;

// An OpenAI-compatible endpoint that misbehaves on purpose: unruly-endpoint PORT MANNER,MANNER,… The n-th chat request gets the n-th
// manner, later ones the last.
var endpoint = new Endpoint(int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture), args[1].Split(','));
Console.WriteLine("listening");
await endpoint.ServeAsync();
