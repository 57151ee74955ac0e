using System.Text;
using CoIN.Cli.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Tests.Scripts;

/// <summary>What tests/gpu/check.sh makes of its stages, with a program that is none: nothing is built or measured.</summary>
public sealed class GpuCheckTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public GpuCheckTests() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && Shell.Bash("command -v python3").Code == 0, "check.sh needs bash and python3");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_stage_that_breaks_down_leaves_its_log_and_the_next_one_goes_on()
    {
        Shell.Fake(
            folder.PathOf("coin"),
            """
            if [[ $1 == doctor ]]; then
              echo '{"good": true, "findings": [{"part": "libtorch", "health": "good", "text": "2.10", "remedy": null}]}'
            elif [[ $2 == CoIN.Models.Tests ]]; then echo 'a library is missing' >&2; exit 3
            else echo 'no such command' >&2; exit 4; fi
            """
        );

        var (code, output, error) = Check(
            $"--root {folder.Path} --device cpu --small --stages host,parity,workload,training --out {folder.PathOf("out")}"
        );

        Assert.True(code == 1, output + error);
        var stages = Summary("out")["stages"]!.ToDictionary(stage => (string)stage["stage"]!);
        Assert.Equal(
            ["ok", "broke down", "broke down", "left out", "not run"],
            new[] { "host", "parity", "workload", "training", "evaluation" }.Select(stage => (string)stages[stage]["status"]!)
        );
        Assert.Contains("a library is missing", stages["parity"]["log"]!.Select(line => (string)line!));
        Assert.Contains("status 4", (string)stages["workload"]["reason"]!, StringComparison.Ordinal);
        Assert.Contains("2 checks passed, 0 failed; not finished: parity, workload; left out: training", output, StringComparison.Ordinal);
        Assert.True(File.Exists(folder.PathOf("out", "02-parity.json")));
    }

    [Fact]
    public void When_the_time_is_used_up_every_stage_says_so()
    {
        Shell.Fake(folder.PathOf("coin"), "exit 9");

        var (code, output, _) = Check($"--root {folder.Path} --device cpu --minutes 0 --out {folder.PathOf("out")}");

        Assert.Equal(1, code);
        Assert.All(Summary("out")["stages"]!, stage => Assert.Equal("out of time", (string)stage["status"]!));
        Assert.Contains("nothing was left of 0 minutes", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("true", "ok", 0, "pass  the ratio  1.3   (aim: ≥ 1.2)")]
    [InlineData("false", "a check failed", 1, "FAIL  the ratio  1.3   (aim: ≥ 1.2)")]
    [InlineData("null", "ok", 0, "      the ratio  1.3   (aim: ≥ 1.2)")]
    [InlineData("true", "cut off", 1, "pass  the ratio  1.3   (aim: ≥ 1.2)")]
    public void The_table_judges_by_the_aims_and_by_what_was_finished(string passed, string status, int exit, string line)
    {
        folder.Write("out/meta.json", """{"device": "cuda:0", "stages": ["host", "peer-training"]}""");
        folder.Write(
            "out/01-host.json",
            Result("host", "ok", """{"name": "doctor", "value": "good", "unit": "", "aim": "good", "passed": true}""")
        );
        folder.Write(
            "out/06-peer-training.json",
            Result("peer-training", status, $$"""{"name": "the ratio", "value": 1.3, "unit": "", "aim": "≥ 1.2", "passed": {{passed}}}""")
        );

        var (code, output, error) = Check($"--assemble {folder.PathOf("out")}");

        Assert.True(code == exit, output + error);
        Assert.Contains(line, output, StringComparison.Ordinal);
        Assert.Equal(output, File.ReadAllText(folder.PathOf("out", "check.txt")));
        Assert.Equal(exit == 0, (bool)Summary("out")["good"]!);
    }

    [Fact]
    public void Runs_are_the_same_by_their_files_and_otherwise_as_far_apart_as_their_adapters_numbers_and_their_answers()
    {
        foreach (var (run, third, answer) in new[] { ("a", 4f, "yes"), ("b", 4f, "yes"), ("c", 4.5f, "no") })
        {
            Directory.CreateDirectory(folder.PathOf(run, "stages", "1", "adapter"));
            File.WriteAllBytes(folder.PathOf(run, "stages", "1", "adapter", "adapter_model.safetensors"), Safetensors([3f, 0f, third]));
            folder.Write($"{run}/predictions/GQA.jsonl", $"one\n{answer}\n");
        }

        Assert.Equal("True 0.0 1.0", Compare("a", "b"));
        Assert.Equal("False 0.1 0.5", Compare("a", "c"));

        string Compare(string one, string other)
        {
            var code =
                $"c = check.compare('{folder.PathOf(one)}', '{folder.PathOf(other)}'); print(c['bits'], c['distance'], c['answers'])";
            return Shell.Bash($"cd tests/gpu && PYTHONDONTWRITEBYTECODE=1 python3 -c \"import check; {code}\"").Out.Trim();
        }
    }

    private static (int Code, string Out, string Error) Check(string arguments) =>
        Shell.Bash($"unset COIN_PYTHON; PYTHONDONTWRITEBYTECODE=1 tests/gpu/check.sh {arguments}");

    private static string Result(string stage, string status, string check) =>
        $$"""
            {"stage": "{{stage}}", "status": "{{status}}", "seconds": 1.5, "limit": 60, "reason": null, "checks": [{{check}}],
             "figures": {}, "log": []}
            """;

    private static byte[] Safetensors(float[] values)
    {
        var header = Encoding.UTF8.GetBytes(
            $$"""{"w": {"dtype": "F32", "shape": [{{values.Length}}], "data_offsets": [0, {{4 * values.Length}}]} }"""
        );
        return [.. BitConverter.GetBytes((long)header.Length), .. header, .. values.SelectMany(BitConverter.GetBytes)];
    }

    private JObject Summary(string place) => JObject.Parse(File.ReadAllText(folder.PathOf(place, "check.json")));
}
