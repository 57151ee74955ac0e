using Akka.Actor;
using CoIN.Actors.Links;
using CoIN.Actors.Workers;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging;

namespace CoIN.Actors.Hosting;

/// <summary>The workers of a process.</summary>
internal static class Workforce
{
    /// <summary>Trainers on some devices, evaluators on all, and judges: each has a thread of its own for life.</summary>
    /// <param name="train">The devices of <paramref name="node"/> that train.</param>
    /// <returns>What makes each, and its name.</returns>
    public static IEnumerable<(Props Worker, string Name)> Of(
        NodeSettings node,
        IEnumerable<string> train,
        IActorRef scheduler,
        ILearnerFactory learners,
        IJudgeFactory judges,
        JudgementCaches caches,
        IBenchmarkWork work,
        Admission admission,
        LinkHost links
    )
    {
        var cores = Environment.ProcessorCount;
        foreach (var device in node.Roles.Contains("trainer") ? train : [])
        {
            var threads = node.TrainerThreads == 0 ? Math.Max(cores / node.TrainersPerDevice, 1) : node.TrainerThreads;
            for (var i = 1; i <= node.TrainersPerDevice; i++)
            {
                yield return (
                    Props
                        .Create(() => new Trainer(scheduler, device, threads, learners, work, admission, links))
                        .WithDispatcher("coin.trainer-dispatcher"),
                    Name("trainer", device) + (node.TrainersPerDevice == 1 ? "" : $"-{i}")
                );
            }
        }

        foreach (var device in node.Roles.Contains("evaluator") ? node.Devices : [])
        {
            var threads = node.EvaluatorThreads == 0 ? Math.Max(cores / node.EvaluatorsPerDevice, 1) : node.EvaluatorThreads;
            for (var i = 1; i <= node.EvaluatorsPerDevice; i++)
            {
                yield return (
                    Props
                        .Create(() => new Evaluator(scheduler, device, threads, learners, work, admission))
                        .WithDispatcher("coin.evaluator-dispatcher"),
                    Name("evaluator", device) + $"-{i}"
                );
            }
        }

        // Each has a thread of its own for local models; one that asks an endpoint leaves it idle. Local models go round the devices.
        for (var i = 0; node.Roles.Contains("judge") && i < node.Judges; i++)
        {
            var device = node.Devices[i % node.Devices.Count];
            var threads = node.EvaluatorThreads == 0 ? Math.Max(cores / node.Judges, 1) : node.EvaluatorThreads;
            yield return (
                Props
                    .Create(() => new JudgeWorker(scheduler, device, threads, judges, caches, work, admission))
                    .WithDispatcher("coin.judge-dispatcher"),
                $"judge-{i + 1}"
            );
        }
    }

    /// <summary>Trainers of a process by itself, which take turns or do a stage together.</summary>
    public static int Trainers(NodeSettings node, IEnumerable<string> train) =>
        node.Roles.Contains("trainer") ? train.Count() * node.TrainersPerDevice : 0;

    /// <summary>The devices of a process by itself that train: as many as the stage with most shares can use, and one at least.</summary>
    public static IReadOnlyList<string> Training(NodeSettings node, IEnumerable<ExperimentOptions> runs)
    {
        var shares = runs.Select(options => options.Training.WorldSize).DefaultIfEmpty(1).Max();
        return [.. node.Devices.Take((shares + node.TrainersPerDevice - 1) / node.TrainersPerDevice)];
    }

    /// <summary>The ways of a process's trainers to others.</summary>
    /// <param name="identity">Of a node; null for clear text on loopback. Has to last as long as the ways do.</param>
    public static LinkHost Links(NodeSettings node, NodeIdentity? identity, ILoggerFactory logs)
    {
        var log = logs.CreateLogger("CoIN.Actors.Links");
        return new LinkHost(
            node.Placement is NodePlacement.Cluster cluster ? new LinkPlace(cluster.Hostname, node.LinkPort, identity?.Channel()) : null,
            why => log.LogWarning("Refused a call for a trainer from {Caller}", why)
        );
    }

    private static string Name(string kind, string device) => $"{kind}-{device.Replace(':', '-')}";
}
