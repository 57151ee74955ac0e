using System.Net;
using System.Text.RegularExpressions;
using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Benchmark;

namespace CoIN.Configuration;

/// <summary>Values of <see cref="NodeSettings"/> that can be.</summary>
internal static partial class NodeRules
{
    private static readonly string[] Roles = ["supervisor", "trainer", "evaluator", "judge"];

    public static void Check(Section cluster, ClusterSettings settings)
    {
        try
        {
            _ = settings.Journal is { } journal ? JournalDatabase.Parse(journal) : null;
        }
        catch (CoinException fault)
        {
            cluster.Refuse("journal", fault.Message);
        }
    }

    public static void Check(Section watch, WatchSettings settings)
    {
        watch.Require(
            settings.Otlp is not { } otlp
                || (
                    Uri.TryCreate(otlp, UriKind.Absolute, out var address)
                    && address.Scheme is "http" or "https"
                    && address.PathAndQuery is "/" or ""
                ),
            "otlp",
            $"'{settings.Otlp}'",
            "an address such as http://localhost:4318, without a path",
            "Of receivers that take OTLP over HTTP, that is the usual port."
        );
        watch.Require(
            IPAddress.TryParse(settings.PrometheusAddress, out _),
            "prometheus-address",
            $"'{settings.PrometheusAddress}'",
            "an address of this computer: 127.0.0.1, or 0.0.0.0 for all of them"
        );
    }

    public static void Check(Section node, NodeSettings settings)
    {
        if (settings is { Cluster.Journal: null, Placement: NodePlacement.Cluster { SeedNodes.Count: > 0 } })
        {
            node.Require(
                false,
                "seed-nodes",
                "given",
                "empty while coin.cluster.journal is null",
                "Several nodes need a journal that all of them reach: a SQLite file in a run's folder has one writer and no network. Name a PostgreSQL database in coin.cluster.journal."
            );
        }

        try
        {
            _ = settings.Local;
        }
        catch (CoinException fault)
        {
            node.Refuse("paths", fault.Message);
        }

        node.Require(settings.Devices.Count > 0, "devices", "empty", "a list such as [cpu] or [\"cuda:0\", \"cuda:1\"]");
        foreach (var device in settings.Devices.Where(device => !Device().IsMatch(device)))
        {
            node.Require(false, "devices", $"'{device}'", "cpu or cuda:<number>");
        }

        node.Require(
            settings.Devices.Distinct().Count() == settings.Devices.Count,
            "devices",
            string.Join(", ", settings.Devices),
            "a list without repetitions",
            "Use evaluators-per-device for several evaluators on one device."
        );
        foreach (var role in settings.Roles.Except(Roles))
        {
            node.Require(false, "roles", $"'{role}'", "some of " + string.Join(", ", Roles));
        }

        node.Require(settings.Roles.Count > 0, "roles", "empty", "some of " + string.Join(", ", Roles));
        if (settings is { Placement: NodePlacement.Alone, Roles.Count: > 0 })
        {
            var missing = Roles.Except(settings.Roles).ToList();
            node.Require(
                missing.Count == 0,
                "roles",
                string.Join(", ", settings.Roles),
                string.Join(", ", Roles) + " while node.cluster is off",
                $"There is nobody else who could be {string.Join(", ", missing)}."
            );
        }
    }

    [GeneratedRegex(@"^(cpu|cuda:\d+)$")]
    private static partial Regex Device();
}
