using CoIN.Speed.Workloads;

namespace CoIN.Speed.Comparison;

/// <summary>Results for people.</summary>
internal static class Table
{
    private const double Mebi = 1024 * 1024;

    public static void Head(TextWriter output, CompareOptions options)
    {
        output.WriteLine(
            $"{options.Rounds} rounds, {options.Threads} threads, {options.Dtype}; every figure is the median over the rounds, with the lowest and the highest."
        );
        if (options.Python is null)
        {
            output.WriteLine("No --python is given: the peer is left out, and there are no ratios.");
        }

        if (options.Quick)
        {
            output.WriteLine("--quick: a model too small to tell how fast anything is.");
        }
    }

    public static void Show(TextWriter output, Section section, Workload workload)
    {
        output.WriteLine();
        var trains = section.Kind == "train";
        output.WriteLine(
            trains
                ? $"LoRA training, {section.ImageTokens} image tokens: {workload.Training.Count} samples of {Lengths(workload.Training.Select(row => workload.Expanded(row.Ids)))} tokens in batches of {workload.BatchSize}"
                : $"Evaluation, {section.ImageTokens} image tokens: {section.Amount.Values.Sum():f0} questions of {Lengths(workload.Evaluation.SelectMany(task => task.Samples).Select(row => workload.Expanded(row.Ids)))} tokens, answers of "
                    + $"{Lengths(workload.Evaluation.SelectMany(task => task.Samples).Select(row => row.Answer))}"
        );
        var unit = trains ? "tokens/s" : "samples/s";
        output.WriteLine($"  {"", -28} {unit, -26} {"GFLOP/s", 8}");
        foreach (var side in section.Names)
        {
            output.WriteLine($"  {side, -28} {section.Rate(side).Text(trains ? "f0" : "f2"), -26} {section.Gflops(side), 8:f0}");
        }

        foreach (var facts in section.Sides)
        {
            output.WriteLine(
                $"  {facts.Side, -28} memory {facts.Memory.Peak / Mebi:f0} MiB at its peak, {(facts.Memory.Peak - facts.Memory.Baseline) / Mebi:f0} above "
                    + $"{facts.Memory.Baseline / Mebi:f0} when loaded; plain matrix product {facts.GemmGflops:f0} GFLOP/s ({facts.Versions})"
            );
        }

        foreach (var (side, loss) in section.Losses)
        {
            output.WriteLine($"  {side, -28} mean loss {loss:f4}");
        }

        foreach (var (side, agreement) in section.Agreement)
        {
            output.WriteLine(
                $"  {side, -28} {agreement.Answers:p1} of the answers and {agreement.Tokens:p1} of the tokens as {Compare.Ours}"
            );
        }

        Ratios(output, section, workload);
    }

    private static void Ratios(TextWriter output, Section section, Workload workload)
    {
        var ours = section.Names.Where(IsOurs).ToList();
        foreach (var peer in section.Names.Where(name => !IsOurs(name)))
        {
            foreach (var side in ours)
            {
                output.WriteLine($"  {side} / {peer}: {section.Ratio(side, peer).Text("f2")} times as fast");
                foreach (var task in section.Tasks.Count > 1 ? section.Tasks : [])
                {
                    var shared = workload.Evaluation.Single(one => one.Name == task).QuestionsPerPicture;
                    output.WriteLine($"      {$"{task}, {shared:f0} to a picture", -28} {section.Ratio(side, peer, task).Text("f2")}");
                }
            }
        }

        foreach (var (peer, facts) in section.Sides.Skip(1).Select(facts => (facts.Side, facts)))
        {
            var own = section.Sides[0].Memory;
            output.WriteLine(
                $"  memory of {Compare.Ours} / {peer}: {own.Peak / (double)facts.Memory.Peak:f2} at the peak, "
                    + $"{(own.Peak - own.Baseline) / (double)(facts.Memory.Peak - facts.Memory.Baseline):f2} above what was loaded"
            );
        }
    }

    private static bool IsOurs(string side) => side.StartsWith(Compare.Ours, StringComparison.Ordinal);

    private static string Lengths(IEnumerable<int> lengths)
    {
        var all = lengths.ToList();
        return $"{all.Min()} to {all.Max()}";
    }
}
