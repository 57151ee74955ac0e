using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Comparison;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Scoring;
using CoIN.Benchmark.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Reports;

public sealed class ComparisonTests
{
    private static readonly RunReport First = Reports.Sequential() with { RunId = "a" };

    private static readonly RunReport OtherSeed = First with
    {
        RunId = "b",
        Seed = 43,
        Cells = [.. First.Cells.Select(cell => cell with { Scored = cell.Scored with { Accuracy = cell.Scored.Accuracy - 10 } })],
    };

    [Fact]
    public void Runs_stand_side_by_side_with_differences_and_means_over_seeds()
    {
        var text = Render(ComparisonFormat.Csv, First, OtherSeed);

        Assert.Contains("rules\",a,final,40.00,70.00,52.56,-5.06\n", text, StringComparison.Ordinal);
        Assert.Contains("rules\",b,final,30.00,60.00,42.56,-5.06\n", text, StringComparison.Ordinal);
        Assert.Contains("rules\",b − a,final,-10.00,-10.00,-10.00,+0.00\n", text, StringComparison.Ordinal);
        Assert.Contains(
            "rules\",mean ± sd of 2 seeds,final,35.00 ± 7.07,65.00 ± 7.07,47.56 ± 7.07,-5.06 ± 0.00\n",
            text,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Runs_of_one_experiment_go_by_the_ends_of_their_ids()
    {
        var runs = new[]
        {
            First with
            {
                RunId = "day-trial-lwf-seed42",
            },
            OtherSeed with
            {
                RunId = "day-trial-lwf-seed43",
            },
            OtherSeed with
            {
                RunId = "day-trial-ewc-seed43",
                BaseModelSha256 = "another",
            },
        };

        var text = Render(ComparisonFormat.Text, runs);
        Assert.Contains("Names are those of runs without day-trial- in front, which all have in common.", text, StringComparison.Ordinal);
        Assert.Contains("lwf-seed43 − lwf-seed42", text, StringComparison.Ordinal);
        Assert.Contains("lwf, mean ± sd of 2 seeds", text, StringComparison.Ordinal);
        Assert.DoesNotContain("trial-lwf-seed43 ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Names are", Render(ComparisonFormat.Text, First, OtherSeed), StringComparison.Ordinal);
        Assert.Equal("day-trial-lwf-seed42", (string?)JObject.Parse(Render(ComparisonFormat.Json, runs))["runs"]![0]!["run"]);
    }

    [Fact]
    public void The_same_seed_is_a_repeat_and_no_second_seed()
    {
        var twin = First with { RunId = "c" };
        var alone = Render(ComparisonFormat.Text, First, twin);
        Assert.DoesNotContain("mean", alone, StringComparison.Ordinal);
        Assert.Contains(
            "Warning: c repeats a: the same settings and the same seed 42, and the same answers to the bit. Only a counts as a seed.",
            alone,
            StringComparison.Ordinal
        );

        var three = Render(ComparisonFormat.Csv, First, twin, OtherSeed);
        Assert.Contains("rules\",mean ± sd of 2 seeds,final,35.00 ± 7.07,65.00 ± 7.07,", three, StringComparison.Ordinal);
        Assert.DoesNotContain("3 seeds", three, StringComparison.Ordinal);
    }

    [Fact]
    public void A_repeat_that_came_out_differently_or_went_less_far_is_told_as_one()
    {
        var other = OtherSeed with { Seed = First.Seed };
        Assert.Contains(
            "b repeats a: the same settings and the same seed 42, yet other answers",
            Render(ComparisonFormat.Markdown, First, other),
            StringComparison.Ordinal
        );

        var stopped = First with { RunId = "c", Status = "stopped", Cells = [.. First.Cells.Where(cell => cell.Stage == 1)] };
        var text = Render(ComparisonFormat.Csv, stopped, First, OtherSeed);
        Assert.Contains("mean ± sd of 2 seeds,just trained,45.13 ± 7.07,65.00 ± 7.07,", text, StringComparison.Ordinal);
        Assert.Contains(
            "c repeats a: the same settings and the same seed 42.",
            Render(ComparisonFormat.Text, stopped, First),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Another_seed_with_the_same_answers_is_no_second_seed_either()
    {
        var zeroShot = Reports.ZeroShot() with { RunId = "a" };
        var text = Render(ComparisonFormat.Text, zeroShot, zeroShot with { RunId = "b", Seed = 43 });
        Assert.DoesNotContain("mean", text, StringComparison.Ordinal);
        Assert.Contains("b has the seed 43 and a the seed 42, but their answers are the same to the bit", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_number_that_one_seed_lacks_has_no_mean()
    {
        var unfinished = OtherSeed with { Status = "stopped", Cells = [.. OtherSeed.Cells.Where(cell => cell.Stage == 1)] };

        Assert.Contains(
            "mean ± sd of 2 seeds,just trained,45.13 ± 7.07,,,\n",
            Render(ComparisonFormat.Csv, First, unfinished),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Runs_that_differ_by_more_than_their_seed_have_no_common_mean()
    {
        var other = OtherSeed with { BaseModelSha256 = "another" };

        Assert.DoesNotContain("mean", Render(ComparisonFormat.Text, First, other), StringComparison.Ordinal);
        Assert.Matches(@"base model SHA-256\s+base0\s+another", Render(ComparisonFormat.Text, First, other));
    }

    [Fact]
    public void Other_test_data_are_warned_of_and_runs_alike_are_not()
    {
        Assert.DoesNotContain("Warning", Render(ComparisonFormat.Text, First, OtherSeed), StringComparison.Ordinal);
        var data = OtherSeed with { DataFiles = [First.DataFiles[0], First.DataFiles[1] with { Sha256 = "d3" }] };
        Assert.Contains(
            "Warning: GQA: a and b were tested on different files (SHA-256 d2 and d3)",
            Render(ComparisonFormat.Text, First, data),
            StringComparison.Ordinal
        );
        var fewer = OtherSeed with { DataFiles = [First.DataFiles[0], First.DataFiles[1] with { SamplesUsed = 5 }] };
        Assert.Contains("a was tested on 20 samples, b on 5", Render(ComparisonFormat.Markdown, First, fewer), StringComparison.Ordinal);
        Assert.Contains(
            "b is stopped",
            Render(ComparisonFormat.Html, First, OtherSeed with { Status = "stopped" }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Bases_that_are_held_otherwise_are_warned_of()
    {
        var options = Options("gqa");
        string Of(ModelOptions model) =>
            Render(ComparisonFormat.Text, First with { Options = options }, OtherSeed with { Options = options with { Model = model } });
        var four = options.Model with { Quantization = BaseQuantization.Nf4 };
        Assert.Contains(
            "a holds its base model unquantized, b in 4 bits (nf4, blocks of 64, double quantization)",
            Of(four),
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("holds its base model", Of(options.Model with { DoubleQuantization = false }), StringComparison.Ordinal);
    }

    [Fact]
    public void Answers_given_otherwise_are_warned_of_where_that_acts()
    {
        var options = Options("gqa") with { Model = Options("gqa").Model with { Dtype = "bfloat16" } };
        var rounded = options with { Evaluation = options.Evaluation with { MergeAdapter = AdapterMerging.Rounded } };
        string Of(ExperimentOptions one, ExperimentOptions two) =>
            Render(ComparisonFormat.Text, First with { Options = one }, OtherSeed with { Options = two });
        Assert.Contains("a and b answered otherwise (evaluation.merge-adapter)", Of(options, rounded), StringComparison.Ordinal);
        Assert.Contains(
            "a and b answered otherwise (evaluation.prompt, evaluation.lora-alpha)",
            Of(options, options with { Evaluation = options.Evaluation with { Prompt = PromptKind.Reference, LoraAlpha = 16 } }),
            StringComparison.Ordinal
        );

        // In float32 nothing is rounded; MoELoRA, and a base in four bits, are never folded.
        foreach (
            Func<ExperimentOptions, ExperimentOptions> never in new Func<ExperimentOptions, ExperimentOptions>[]
            {
                run => run with { Model = run.Model with { Dtype = "float32" } },
                run => run with { Model = run.Model with { Quantization = BaseQuantization.Nf4 } },
                run => run with { Method = MoeLoraOptions.Key },
            }
        )
        {
            Assert.DoesNotContain("answered otherwise", Of(never(options), never(rounded)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Other_orders_and_scorers_are_warned_of()
    {
        var reversed = OtherSeed with { Tasks = ["OCR-VQA", "GQA"], Cells = [], Stages = [] };
        Assert.Contains("learned the tasks in different orders", Render(ComparisonFormat.Text, First, reversed), StringComparison.Ordinal);
        Assert.Contains(
            "GQA: a is scored by gqa, b by vqav2",
            Render(ComparisonFormat.Text, First with { Options = Options("gqa") }, OtherSeed with { Options = Options("vqav2") }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Another_world_size_is_warned_of_and_what_becomes_of_lost_trainers_is_no_difference()
    {
        var two = Options("gqa") with { Training = Options("gqa").Training with { WorldSize = 2, OnLostTrainer = LostTrainer.Wait } };
        var text = Render(ComparisonFormat.Text, First with { Options = Options("gqa") }, OtherSeed with { Options = two });
        Assert.Contains("a was trained with world size 1, b with 2", text, StringComparison.Ordinal);
        Assert.Matches(@"training.world-size\s+1\s+2", text);
        Assert.DoesNotContain("on-lost-trainer", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Micro_batches_by_tokens_are_warned_of()
    {
        var counted = Options("gqa") with { Training = Options("gqa").Training with { MicroBatchTokens = 9000 } };
        var text = Render(ComparisonFormat.Text, First with { Options = Options("gqa") }, OtherSeed with { Options = counted });
        Assert.Contains(
            "a was trained in micro-batches of counted samples (training.batch-size), b of up to 9000 tokens",
            text,
            StringComparison.Ordinal
        );
        Assert.Matches(@"training.micro-batch-tokens\s+\S+\s+9000", text);
    }

    [Fact]
    public void A_runs_priority_is_no_difference()
    {
        var text = Render(
            ComparisonFormat.Text,
            First with
            {
                Options = Options("gqa"),
            },
            OtherSeed with
            {
                Options = Options("gqa") with { Priority = 7 },
            }
        );
        Assert.DoesNotContain("priority", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Tasks_learned_at_once_stand_beside_the_end_of_those_learned_one_after_another()
    {
        var joint = Reports.MultiTask() with { RunId = "m" };

        Assert.Contains(
            "rules\",m − a,final,+20.00,+10.00,+17.44,\n",
            Render(ComparisonFormat.Csv, First, joint),
            StringComparison.Ordinal
        );
        Assert.Contains("m learned all tasks at once", Render(ComparisonFormat.Text, First, joint), StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_that_differ_have_the_names_of_the_configuration()
    {
        var options = Options("gqa");
        var text = Render(
            ComparisonFormat.Text,
            First with
            {
                Options = options,
            },
            OtherSeed with
            {
                Options = options with
                {
                    Name = "other",
                    Lora = new LoraOptions { Rank = 64 },
                    Data = options.Data with { Images = "/elsewhere" },
                },
            }
        );

        Assert.Matches(@"lora\.rank\s+128\s+64", text);
        Assert.DoesNotContain("elsewhere", text, StringComparison.Ordinal);
        Assert.DoesNotContain("lora.alpha", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Latex_and_pages_hold_the_same_numbers()
    {
        Assert.Contains("b $-$ a & final & $-$10.00", Render(ComparisonFormat.Latex, First, OtherSeed), StringComparison.Ordinal);
        Assert.Contains(
            "<td class=\"number\">35.00 &#177; 7.07</td>",
            Render(ComparisonFormat.Html, First, OtherSeed),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_untrained_model_is_held_against_the_end_of_a_run()
    {
        var zeroShot = Reports.ZeroShot() with { RunId = "z" };
        Assert.Contains(
            "rules\",z − a,zero-shot − final,-34.50,-70.00,,\n",
            Render(ComparisonFormat.Csv, First, zeroShot),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "rules\",a − z,final − zero-shot,+34.50,+70.00,,\n",
            Render(ComparisonFormat.Csv, zeroShot, First),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_factor_has_a_table_with_a_row_for_each_of_its_values_and_means_over_seeds()
    {
        var text = Render(ComparisonFormat.Text, Ranked("a", 64, 1), Ranked("b", 64, 2, -10), Ranked("c", 128, 1), Ranked("d", 8, 1, -20));

        Assert.Contains("By lora.rank: Truth Alignment, published rules", text, StringComparison.Ordinal);
        Assert.Matches(
            @"8 +final +20\.00 +50\.00 +32\.56 +-5\.06 +1\n64 +just trained +45\.13 ± 7\.07 +65\.00 ± 7\.07 +2\n64 +final +35\.00 ± 7\.07",
            text
        );
        Assert.Equal(1, text.Split("By ").Length - 1);
    }

    [Fact]
    public void A_grid_has_a_table_for_each_factor_at_each_value_of_the_others()
    {
        RunReport Run(string id, int rank, double volume)
        {
            var run = Ranked(id, rank, 1);
            return run with { Options = run.Options! with { Data = run.Options.Data with { Volume = volume } } };
        }

        var text = Render(ComparisonFormat.Markdown, Run("a", 64, 0.1), Run("b", 64, 0.2), Run("c", 128, 0.1), Run("d", 128, 0.2));

        Assert.Equal(
            [
                "By data.volume at lora.rank = 64",
                "By data.volume at lora.rank = 128",
                "By lora.rank at data.volume = 0.1",
                "By lora.rank at data.volume = 0.2",
            ],
            text.Split('\n').Where(line => line.StartsWith("## By", StringComparison.Ordinal)).Select(line => line[3..].Split(':')[0])
        );
    }

    [Fact]
    public void Settings_that_vary_together_are_one_factor_and_what_follows_from_them_is_none()
    {
        var other = Ranked("b", 128, 1);
        other = other with
        {
            Options = other.Options! with { Lora = other.Options.Lora with { Alpha = 512 } },
            DataFiles = [other.DataFiles[0] with { SamplesUsed = 50 }, other.DataFiles[1]],
        };
        Assert.Contains(
            "By lora.rank (with lora.alpha): ",
            Render(ComparisonFormat.Text, Ranked("a", 64, 1), other),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Methods_are_one_factor_whatever_their_rows()
    {
        var text = Render(ComparisonFormat.Text, First, Reports.ZeroShot() with { RunId = "z" }, Reports.MultiTask() with { RunId = "m" });
        Assert.Matches(@"zero-shot +zero-shot +5\.50", text);
        Assert.Matches(@"sequential-lora +just trained +50\.13", text);
        Assert.Matches(@"multi-task +final +60\.00", text);
        Assert.Contains(
            "\\label{tab:coin-a-z-m-factor-1}",
            Render(ComparisonFormat.Latex, First, Reports.ZeroShot() with { RunId = "z" }, Reports.MultiTask() with { RunId = "m" }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_method_with_options_has_a_row_for_each_of_their_values()
    {
        LearningMethods.Known.Add(new SequentialMethod("tested-experts", typeof(TestedOptions)));
        RunReport Run(string id, int experts) =>
            First with
            {
                RunId = id,
                Method = "tested-experts",
                Options = Options("gqa") with
                {
                    Method = "tested-experts",
                    MethodOptions = MethodOptions.Of("tested-experts", new TestedOptions { ManyExperts = experts }),
                },
            };

        var plain = First with { RunId = "p", Options = Options("gqa") };
        var json = JObject.Parse(Render(ComparisonFormat.Json, plain, Run("a", 2), Run("b", 8)));
        Assert.Equal("method", (string?)json["factors"]![0]!["factor"]);
        Assert.Equal(
            ["sequential-lora", "tested-experts, many-experts 2", "tested-experts, many-experts 8"],
            json["factors"]![0]!["rows"]!.Select(row => (string)row["value"]!).Distinct()
        );
        Assert.StartsWith(
            "By tested-experts.many-experts: ",
            Render(ComparisonFormat.Text, Run("a", 2), Run("b", 8))
                .Split('\n')
                .First(line => line.StartsWith("By ", StringComparison.Ordinal)),
            StringComparison.Ordinal
        );

        // What was not written down has the record's default.
        var unwritten = Run("c", 4) with { Options = Run("c", 4).Options! with { MethodOptions = null } };
        Assert.Matches(@"tested-experts\.many-experts +2 +4", Render(ComparisonFormat.Text, Run("a", 2), unwritten));
    }

    [Fact]
    public void Differences_have_intervals_paired_over_the_samples()
    {
        using var folder = new TemporaryFolder();
        RunReport Scored(string id, Func<int, double> score)
        {
            ScoresFile.Write(
                folder.File(id + ".jsonl"),
                [.. Enumerable.Range(0, 200).Select(n => new SampleScore($"q{n}", score(n), score(n)))]
            );
            return First with
            {
                RunId = id,
                Seed = id[0],
                Tasks = ["GQA"],
                Stages = [],
                Cells =
                [
                    new CellReport(
                        "GQA",
                        new(1, 0, Enumerable.Range(0, 200).Average(score) * 100, 200, "p" + id, "p" + id) { ScoresFile = id + ".jsonl" }
                    ),
                ],
            };
        }

        // Every second question is right; the other run gets 20 more of them right, so that the difference varies far less than either
        // accuracy does.
        var (a, b) = (Scored("a", n => n % 2), Scored("b", n => n % 2 == 1 || n < 40 ? 1 : 0));
        var comparison = ComparisonText.Of([new ReportedRun(a, folder.Path), new ReportedRun(b, folder.Path)], []);
        var json = JObject.Parse(comparison.Render(ComparisonFormat.Json))["measures"]![0]!["differences"]![0]!;
        Assert.Equal(10, (double)json["accuracies"]![0]!, 6);
        var (low, high) = ((double)json["intervals"]![0]![0]!, (double)json["intervals"]![0]![1]!);
        Assert.InRange(low, 5, 8.5);
        Assert.InRange(high, 11.5, 15);
        Assert.Matches(@"GQA +\+10\.00 \[\+\d+\.\d+, \+1\d\.\d+\]\*", comparison.Render(ComparisonFormat.Text));

        var elsewhere = Scored("c", n => n % 2);
        ScoresFile.Write(folder.File("c.jsonl"), [.. Enumerable.Range(0, 200).Select(n => new SampleScore($"other{n}", n % 2, n % 2))]);
        Assert.DoesNotContain(
            "95 % intervals",
            ComparisonText.Of([new ReportedRun(a, folder.Path), new ReportedRun(elsewhere, folder.Path)], []).Render(ComparisonFormat.Text),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_page_has_curves_and_matrices_of_all_runs_and_one_box_of_warnings()
    {
        var other = OtherSeed with
        {
            BaseModelSha256 = "another",
            Status = "stopped",
            DataFiles = [First.DataFiles[0], First.DataFiles[1] with { Sha256 = "d3" }],
        };
        var page = Render(ComparisonFormat.Html, First, other);
        Assert.Equal(1, page.Split("<details class=\"warning\"").Length - 1);
        Assert.Contains("<summary>2 warnings</summary>", page, StringComparison.Ordinal);
        Assert.Contains(
            "aria-label=\"GQA: a: 50.1 % after stage 1, 40.0 % after stage 2; b: 40.1 % after stage 1, 30.0 % after stage 2\"",
            page,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "<td class=\"down\" style=\"--v:0.333\" title=\"30.00 %, -10.00 points from 40.00 %\">30.0<small>-10.00</small></td>",
            page,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_run_is_not_compared_with_itself() => Assert.Throws<CoinException>(() => Render(ComparisonFormat.Text, First, First));

    /// <summary>A run of a rank and seed, its accuracies moved by some points.</summary>
    private static RunReport Ranked(string id, int rank, int seed, double points = 0)
    {
        var options = Options("gqa");
        return First with
        {
            RunId = id,
            Seed = seed,
            Options = options with { Seed = seed, Lora = options.Lora with { Rank = rank } },
            Cells = [.. First.Cells.Select(cell => cell with { Scored = cell.Scored with { Accuracy = cell.Scored.Accuracy + points } })],
        };
    }

    private sealed record TestedOptions
    {
        public int ManyExperts { get; init; } = 4;
    }

    private static ExperimentOptions Options(string scorer) =>
        new()
        {
            Name = "x",
            Tasks =
            [
                new TaskOptions
                {
                    Name = "GQA",
                    Folder = "GQA",
                    Scorer = scorer,
                },
            ],
            Data = new DataOptions { Instructions = "/i", Images = "/j" },
            Model = new ModelOptions { Path = "/m" },
        };

    private static string Render(ComparisonFormat format, params RunReport[] runs) =>
        ComparisonText.Render([.. runs.Select(run => new ReportedRun(run, null))], [format])[format];
}
