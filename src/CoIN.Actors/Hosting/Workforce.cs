using Akka.Actor;
using CoIN.Actors.Workers;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Hosting;

/// <summary>The workers of a process.</summary>
internal static class Workforce
{
    /// <summary>Trainers on some devices, evaluators on all, and judges: each has a thread of its own for life.</summary>
    /// <param name="train">The devices of <paramref name="node"/> that train.</param>
    /// <returns>What makes each, and its name.</returns>
    public static IEnumerable<(Props Worker, string Name)> Of(
        NodeSettings node, IEnumerable<string> train, IActorRef scheduler, ILearnerFactory learners, IJudgeFactory judges, JudgementCaches caches, IBenchmarkWork work,
        Admission admission)
    {
        var cores = Environment.ProcessorCount;
        foreach (var device in node.Roles.Contains("trainer") ? train : [])
        {
            var threads = node.TrainerThreads == 0 ? Math.Max(cores / node.TrainersPerDevice, 1) : node.TrainerThreads;
            for (var i = 1; i <= node.TrainersPerDevice; i++)
            {
                yield return (
                    Props.Create(() => new Trainer(scheduler, device, threads, learners, work, admission)).WithDispatcher("coin.trainer-dispatcher"),
                    Name("trainer", device) + (node.TrainersPerDevice == 1 ? "" : $"-{i}"));
            }
        }

        foreach (var device in node.Roles.Contains("evaluator") ? node.Devices : [])
        {
            var threads = node.EvaluatorThreads == 0 ? Math.Max(cores / node.EvaluatorsPerDevice, 1) : node.EvaluatorThreads;
            for (var i = 1; i <= node.EvaluatorsPerDevice; i++)
            {
                yield return (
                    Props.Create(() => new Evaluator(scheduler, device, threads, learners, work, admission)).WithDispatcher("coin.evaluator-dispatcher"),
                    Name("evaluator", device) + $"-{i}");
            }
        }

        // Each has a thread of its own for local models; one that asks an endpoint leaves it idle. Local models go round the devices.
        for (var i = 0; node.Roles.Contains("judge") && i < node.Judges; i++)
        {
            var device = node.Devices[i % node.Devices.Count];
            var threads = node.EvaluatorThreads == 0 ? Math.Max(cores / node.Judges, 1) : node.EvaluatorThreads;
            yield return (
                Props.Create(() => new JudgeWorker(scheduler, device, threads, judges, caches, work, admission)).WithDispatcher("coin.judge-dispatcher"), $"judge-{i + 1}");
        }
    }

    private static string Name(string kind, string device) => $"{kind}-{device.Replace(':', '-')}";
}
