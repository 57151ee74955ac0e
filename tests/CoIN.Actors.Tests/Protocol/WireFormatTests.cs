using System.Runtime.Serialization;
using System.Text;
using CoIN.Actors.Protocol;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using Newtonsoft.Json.Linq;

namespace CoIN.Actors.Tests.Protocol;

/// <summary>Journals outlive the program that wrote them: what a payload looks like is frozen here.</summary>
public sealed class WireFormatTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public static TheoryData<string, string, RunEvent> Frozen =>
        new()
        {
            {
                "run-taken-up:1",
                """{"host":"h","processId":7,"number":2,"at":"2026-01-02T03:04:05+00:00"}""",
                new RunTakenUp("h", 7) { Number = 2, At = At }
            },
            {
                "base-model-loaded:1",
                """{"sha256":"ab","number":3,"at":"2026-01-02T03:04:05+00:00"}""",
                new BaseModelLoaded("ab") { Number = 3, At = At }
            },
            {
                "checkpoint-saved:1",
                """{"stage":1,"step":40,"folder":"f","sha256":"ab","number":4,"at":"2026-01-02T03:04:05+00:00"}""",
                new CheckpointSaved(1, 40, "f", "ab") { Number = 4, At = At }
            },
            {
                "stage-trained:1",
                """{"stage":1,"task":"GQA","folder":"f","adapterSha256":"ab","projectorSha256":"cd","steps":120,"finalLoss":0.25,"tokens":99,"seconds":1.5,"number":5,"at":"2026-01-02T03:04:05+00:00"}""",
                new StageTrained(1, "GQA", "f", "ab", "cd", 120, 0.25, 99, 1.5) { Number = 5, At = At }
            },
            {
                "stage-trained:1",
                """{"stage":1,"task":"GQA","folder":"f","adapterSha256":"ab","steps":120,"finalLoss":0.25,"tokens":99,"seconds":1.5,"folderSha256":"ef","number":5,"at":"2026-01-02T03:04:05+00:00"}""",
                new StageTrained(1, "GQA", "f", "ab", null, 120, 0.25, 99, 1.5)
                {
                    FolderSha256 = "ef",
                    Number = 5,
                    At = At,
                }
            },
            {
                "stage-trained:1",
                """{"stage":1,"task":"GQA","folder":"f","adapterSha256":"ab","steps":120,"finalLoss":0.25,"tokens":99,"seconds":1.5,"computation":{"device":"cpu","threads":2,"version":"1"},"number":5,"at":"2026-01-02T03:04:05+00:00"}""",
                new StageTrained(1, "GQA", "f", "ab", null, 120, 0.25, 99, 1.5)
                {
                    Computation = new("cpu", 2, "1"),
                    Number = 5,
                    At = At,
                }
            },
            {
                "shard-answered:1",
                """{"stage":1,"task":0,"shard":0,"shards":2,"file":"f","sha256":"ab","samples":100,"seconds":2.0,"number":6,"at":"2026-01-02T03:04:05+00:00"}""",
                new ShardAnswered(1, 0, 0, 2, "f", "ab", 100, 2) { Number = 6, At = At }
            },
            {
                "cell-scored:1",
                """{"stage":1,"task":0,"accuracy":62.5,"samples":200,"file":"f","sha256":"ab","number":7,"at":"2026-01-02T03:04:05+00:00"}""",
                new CellScored(1, 0, 62.5, 200, "f", "ab") { Number = 7, At = At }
            },
            {
                "cell-scored:1",
                """{"stage":0,"task":1,"accuracy":62.5,"samples":200,"file":"f","sha256":"ab","corrected":60.0,"correctedSamples":201,"scoresFile":"s","scoresSha256":"cd","number":7,"at":"2026-01-02T03:04:05+00:00"}""",
                new CellScored(0, 1, 62.5, 200, "f", "ab")
                {
                    Corrected = 60,
                    CorrectedSamples = 201,
                    ScoresFile = "s",
                    ScoresSha256 = "cd",
                    Number = 7,
                    At = At,
                }
            },
            {
                "cell-rescored:1",
                """{"stage":1,"task":0,"accuracy":62.5,"samples":200,"corrected":60.0,"correctedSamples":201,"scoresFile":"s","scoresSha256":"cd","number":11,"at":"2026-01-02T03:04:05+00:00"}""",
                new CellRescored(1, 0, 62.5, 200, 60, 201, "s", "cd") { Number = 11, At = At }
            },
            {
                "judge-appointed:1",
                """{"judge":{"name":"gpt","kind":"OpenAi","endpoint":"http://h/v1","model":"m","apiKeyEnv":"KEY","concurrency":8,"timeout":60.0,"retries":6,"retryDelay":1.0,"dtype":"bfloat16","batchSize":16,"maxTokens":20,"temperature":0.7,"topP":0.8,"repetitionPenalty":1.05,"seed":42},"number":12,"at":"2026-01-02T03:04:05+00:00"}""",
                new JudgeAppointed(
                    new JudgeOptions
                    {
                        Name = "gpt",
                        Kind = JudgeKind.OpenAi,
                        Endpoint = "http://h/v1",
                        Model = "m",
                        ApiKeyEnv = "KEY",
                        Temperature = 0.7,
                        TopP = 0.8,
                        RepetitionPenalty = 1.05,
                    }
                )
                {
                    Number = 12,
                    At = At,
                }
            },
            {
                "judge-dismissed:1",
                """{"judge":"gpt","number":13,"at":"2026-01-02T03:04:05+00:00"}""",
                new JudgeDismissed("gpt") { Number = 13, At = At }
            },
            {
                "cell-judged:1",
                """{"stage":2,"task":0,"judge":"gpt","kind":"OpenAi","model":"m","identity":"ef","published":70.0,"corrected":72.5,"samples":200,"unparsable":3,"file":"f","sha256":"ab","number":14,"at":"2026-01-02T03:04:05+00:00"}""",
                new CellJudged(2, 0, "gpt", JudgeKind.OpenAi, "m", "ef", 70, 72.5, 200, 3, "f", "ab") { Number = 14, At = At }
            },
            {
                "stage-begun:1",
                """{"stage":2,"restarts":1,"number":16,"at":"2026-01-02T03:04:05+00:00"}""",
                new StageBegun(2, 1) { Number = 16, At = At }
            },
            {
                "checkpoint-discarded:1",
                """{"stage":1,"reason":"lost","number":15,"at":"2026-01-02T03:04:05+00:00"}""",
                new CheckpointDiscarded(1, "lost") { Number = 15, At = At }
            },
            {
                "stage-discarded:1",
                """{"stage":1,"reason":"lost","number":16,"at":"2026-01-02T03:04:05+00:00"}""",
                new StageDiscarded(1, "lost") { Number = 16, At = At }
            },
            {
                "cell-discarded:1",
                """{"stage":0,"task":1,"reason":"lost","number":17,"at":"2026-01-02T03:04:05+00:00"}""",
                new CellDiscarded(0, 1, "lost") { Number = 17, At = At }
            },
            {
                "judgement-discarded:1",
                """{"stage":2,"task":0,"judge":"gpt","reason":"lost","number":18,"at":"2026-01-02T03:04:05+00:00"}""",
                new JudgementDiscarded(2, 0, "gpt", "lost") { Number = 18, At = At }
            },
            {
                "judging-failed:1",
                """{"judge":"gpt","message":"no such host","number":15,"at":"2026-01-02T03:04:05+00:00"}""",
                new JudgingFailed("gpt", "no such host") { Number = 15, At = At }
            },
            {
                "run-completed:1",
                """{"number":8,"at":"2026-01-02T03:04:05+00:00"}""",
                new RunCompleted { Number = 8, At = At }
            },
            {
                "run-failed:1",
                """{"message":"NaN","number":9,"at":"2026-01-02T03:04:05+00:00"}""",
                new RunFailed("NaN") { Number = 9, At = At }
            },
            {
                "run-stopped:1",
                """{"message":"asked","number":10,"at":"2026-01-02T03:04:05+00:00"}""",
                new RunStopped("asked") { Number = 10, At = At }
            },
        };

    [Theory]
    [MemberData(nameof(Frozen))]
    public void An_event_is_written_as_it_always_was_and_old_bytes_are_read(string manifest, string json, RunEvent happened)
    {
        Assert.Equal(manifest, WireFormat.Manifest(happened));
        Assert.Equal(json, Encoding.UTF8.GetString(WireFormat.Write(happened)));
        Assert.Equal(happened, WireFormat.Read(Encoding.UTF8.GetBytes(json), manifest));
    }

    [Fact]
    public void A_run_from_before_there_were_volumes_goes_on_with_all_samples_and_the_first_tests()
    {
        var started = new RunStarted("r", TinyExperiments.Of(1), new Dictionary<string, string>(), [1], [1]);
        var json = JObject.Parse(Encoding.UTF8.GetString(WireFormat.Write(started)));
        var data = (JObject)json["options"]!["data"]!;
        Assert.True(data.Remove("volume") && data.Remove("testSubset"));

        var read = Assert.IsType<RunStarted>(WireFormat.Read(Encoding.UTF8.GetBytes(json.ToString()), "run-started:1"));
        Assert.Equal((1.0, TestSubset.First), (read.Options.Data.Volume, read.Options.Data.TestSubset));
    }

    [Fact]
    public void The_first_event_brings_the_whole_experiment_back()
    {
        var started = new RunStarted(
            "r",
            TinyExperiments.Of(2),
            new Dictionary<string, string> { ["GQA/train.json"] = "ab" },
            [10, 10],
            [7, 8]
        )
        {
            Number = 1,
            At = At,
        };
        var read = Assert.IsType<RunStarted>(WireFormat.Read(WireFormat.Write(started), "run-started:1"));
        Assert.Equivalent(started, read, strict: true);
        Assert.DoesNotContain("$type", Encoding.UTF8.GetString(WireFormat.Write(started)), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_of_a_methods_own_are_kept_by_its_key_and_nothing_is_written_where_there_are_none()
    {
        var own = TinyExperiments.Of(1) with { MethodOptions = MethodOptions.Of("anchored", new { Strength = 0.5, SamplesKept = 3 }) };
        var started = new RunStarted("r", own, new Dictionary<string, string>(), [], []) { Number = 1, At = At };
        var text = Encoding.UTF8.GetString(WireFormat.Write(started));
        Assert.Contains("""methodOptions":{"anchored":{"strength":0.5,"samplesKept":3}}""", text, StringComparison.Ordinal);
        Assert.Equal(
            own.MethodOptions,
            Assert.IsType<RunStarted>(WireFormat.Read(Encoding.UTF8.GetBytes(text), "run-started:1")).Options.MethodOptions
        );

        var without = WireFormat.Write(started with { Options = TinyExperiments.Of(1) });
        Assert.DoesNotContain("methodOptions", Encoding.UTF8.GetString(without), StringComparison.Ordinal);
        Assert.Null(Assert.IsType<RunStarted>(WireFormat.Read(without, "run-started:1")).Options.MethodOptions);
    }

    [Fact]
    public void Judgements_without_scores_keep_their_reasons_and_a_judge_its_ways_of_asking()
    {
        var judged = new CellJudged(2, 0, "gpt", JudgeKind.OpenAi, "m", "ef", 0, null, 3, 3, "f", "ab")
        {
            Number = 14,
            At = At,
            Unscored = [new UnscoredReplies("length", true, 2), new UnscoredReplies(null, false, 1)],
        };
        Assert.Equivalent(judged, WireFormat.Read(WireFormat.Write(judged), "cell-judged:1"), strict: true);

        var appointed = new JudgeAppointed(
            new JudgeOptions
            {
                Name = "gpt",
                Kind = JudgeKind.OpenAi,
                TokenLimitKey = JudgeOptions.MaxCompletionTokensKey,
                SendTemperature = false,
            }
        )
        {
            Number = 12,
            At = At,
        };
        Assert.Equal(appointed, WireFormat.Read(WireFormat.Write(appointed), "judge-appointed:1"));
    }

    [Theory]
    [InlineData(3, 3, null)]
    [InlineData(3, 2, 0.0)]
    public void Without_a_single_score_nothing_was_measured(int samples, int unparsable, double? measured) =>
        Assert.Equal(
            measured,
            new CellJudged(2, 0, "gpt", JudgeKind.OpenAi, "m", "ef", 0, null, samples, unparsable, "f", "ab").Measured()
        );

    [Fact]
    public void Messages_about_every_kind_of_work_cross_the_wire()
    {
        var options = TinyExperiments.Of(1);
        foreach (
            var item in new WorkItem[]
            {
                new TrainStage(2, "a", "c"),
                new TrainStage(2, "a", "c") { Team = new TeamRank(1, 3) },
                new AnswerShard(1, 0, 1, 2, null),
                new ScoreCell(1, 0, new(["x", "y"])),
                new JudgeCell(1, 0, "gpt", "ef", "f", "ab"),
            }
        )
        {
            var assignment = new WorkProtocol.Assignment(new Turn("r", 7), "/runs/r", options, item);
            var read = Assert.IsType<WorkProtocol.Assignment>(
                WireFormat.Read(WireFormat.Write(assignment), WireFormat.Manifest(assignment))
            );
            Assert.Equal(item, read.Item);
            Assert.Equivalent(options, read.Options, strict: true);
            var busy = new WorkProtocol.Register(WorkProtocol.Skill.Train, "cpu", new Turn("r", 7), new Turn("q", 6), item);
            Assert.Equal(busy, WireFormat.Read(WireFormat.Write(busy), WireFormat.Manifest(busy)));
        }

        foreach (
            var message in new WorkProtocol.IMessage[]
            {
                new WorkProtocol.MayBegin(new Turn("r", 7) { Rank = 1 }),
                new WorkProtocol.MayBegin(new Turn("r", 7)) { GoesOn = true },
                new WorkProtocol.TooFewTrainers(new Turn("r", 7) { Rank = 0 }, 3),
                new WorkProtocol.TooSlow(new Turn("r", 7), 100.5, 2),
                new WorkProtocol.Register(WorkProtocol.Skill.Evaluate, "cpu", new Turn("r", 7)) { Answered = 3, Of = 7 },
                new WorkProtocol.Meet(new Turn("r", 7) { Rank = 2 }, new("p", "h", 5300, "k")),
                new WorkProtocol.LinksOpened(new("p", null, 0, "k")) { Turn = new Turn("r", 7) { Rank = 0 } },
                new WorkProtocol.SharesTrained { Turn = new Turn("r", 7) { Rank = 1 } },
            }
        )
        {
            Assert.Equal(message, WireFormat.Read(WireFormat.Write(message), WireFormat.Manifest(message)));
        }

        Assert.DoesNotContain(
            "ank",
            Encoding.UTF8.GetString(WireFormat.Write(new WorkProtocol.MayBegin(new Turn("r", 7)))),
            StringComparison.Ordinal
        );

        var lean = new WorkProtocol.Offer(new Turn("r", 7), "/runs/r", null, new TrainStage(2, "a", "c")) { OptionsKey = "k" };
        Assert.Equal(
            """{"kind":"train-stage:1","message":{"turn":{"runId":"r","number":7},"runFolder":"/runs/r","item":{"stage":2,"adapter":"a","checkpoint":"c","validateFirst":false},"optionsKey":"k"}}""",
            Encoding.UTF8.GetString(WireFormat.Write(lean))
        );
        foreach (var offer in new[] { lean, lean with { Priority = -2 }, lean with { Options = options, OptionsKey = null } })
        {
            Assert.Equivalent(offer, WireFormat.Read(WireFormat.Write(offer), WireFormat.Manifest(offer)), strict: true);
        }

        var told = new WorkProtocol.OptionsOf(new Turn("r", 7), "k", options);
        Assert.Equivalent(told, WireFormat.Read(WireFormat.Write(told), WireFormat.Manifest(told)), strict: true);
        foreach (
            var asked in new object[]
            {
                new WorkProtocol.WhichOptions(new Turn("r", 7)),
                new WorkProtocol.SayItem(new Turn("r", 7)),
                new WorkProtocol.Register(WorkProtocol.Skill.Train, "cpu", new Turn("r", 7), new Turn("q", 6)),
            }
        )
        {
            Assert.Equal(asked, WireFormat.Read(WireFormat.Write(asked), WireFormat.Manifest(asked)));
        }

        var free = new WorkProtocol.Register(WorkProtocol.Skill.Judge, "cpu");
        Assert.Equal(free, WireFormat.Read(WireFormat.Write(free), WireFormat.Manifest(free)));
        var failed = new WorkProtocol.WorkFailed("why") { Turn = new Turn("r", 7L << 40) };
        Assert.Equal(failed, WireFormat.Read(WireFormat.Write(failed), WireFormat.Manifest(failed)));

        var cell = new WorkProtocol.CellWritten(new ScoreCell(1, 0, new(["x"])), 50, 7, "f", "ab")
        {
            Corrected = 40,
            CorrectedSamples = 8,
            ScoresFile = "s",
            ScoresSha256 = "cd",
        };
        Assert.Equal(cell, WireFormat.Read(WireFormat.Write(cell), WireFormat.Manifest(cell)));

        var judged = new WorkProtocol.JudgementsWritten(new JudgeCell(1, 0, "gpt", "ef", "f", "ab"), 70, null, 7, 7, "j", "cd");
        Assert.Equal(judged, WireFormat.Read(WireFormat.Write(judged), WireFormat.Manifest(judged)));
        Assert.Equal(
            """{"turn":{"runId":"r","number":7}}""",
            Encoding.UTF8.GetString(WireFormat.Write(new WorkProtocol.MayBegin(new Turn("r", 7))))
        );

        var written = new WorkProtocol.AdapterWritten(new TrainStage(1, null, null), "f", "ab", null, 3, 0.5, 9, 1);
        Assert.Equal(written, WireFormat.Read(WireFormat.Write(written), WireFormat.Manifest(written)));
    }

    [Fact]
    public void A_payload_of_a_newer_program_or_a_damaged_one_is_refused()
    {
        Assert.Contains(
            "newer version",
            Assert.Throws<SerializationException>(() => WireFormat.Read([], "stage-trained:9")).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<SerializationException>(() => WireFormat.Read("{"u8.ToArray(), "run-failed:1"));
        Assert.Throws<ArgumentException>(() => WireFormat.Manifest("text"));
    }
}
