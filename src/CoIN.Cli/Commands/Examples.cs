namespace CoIN.Cli.Commands;

/// <summary>What is shown below the help of a command: lines as they are typed.</summary>
internal static class Examples
{
    private static readonly Dictionary<string, string[]> Lines = new(StringComparer.Ordinal)
    {
        ["run"] =
        [
            "run hocon/mini.hocon --set seed=7",
            "run hocon/my-llava.hocon hocon/orders/alphabetical.hocon --run-id alphabetical",
            "run hocon/my-llava.hocon hocon/cluster.hocon --cluster gpu-1:5300,gpu-2:5300",
        ],
        ["resume"] = ["resume", "resume 20261124 --set node.devices=[cuda:1]"],
        ["node"] =
        [
            "node hocon/cluster.hocon --join gpu-1:5300,gpu-2:5300",
            "node hocon/cluster.hocon --join gpu-1:5300,gpu-2:5300 --roles trainer,evaluator --gpus 0,1",
        ],
        ["stop"] = ["stop 20261124 --cluster gpu-1:5300 --with hocon/cluster.hocon"],
        ["runs"] = ["runs", "runs --runs /data/runs"],
        ["status"] = ["status", "status 20261124-09", "status --json", "status --cluster gpu-1:5300 --with hocon/cluster.hocon"],
        ["watch"] = ["watch", "watch s42 s43 --port 8080", "watch --listen 0.0.0.0"],
        ["logs"] = ["logs --follow", "logs 20261124-09 --actor trainer --level debug", "logs --json --stage 3"],
        ["predictions"] = ["predictions --task GQA --wrong", "predictions 20261124-09 --stage 8 --task VQAv2 --limit 0 --json"],
        ["completion"] = ["completion bash"],
        ["report"] = ["report 20261124-09"],
        ["compare"] = ["compare alphabetical default --out comparison", "compare s42 s43 s44 --format latex"],
        ["eval"] =
        [
            "eval runs/s42/settings.conf --adapter runs/s42/stages/8-OCR-VQA/adapter --tasks GQA,VQAv2",
            "eval hocon/my-llava.hocon --tasks ScienceQA --out base --json",
        ],
        ["score"] = ["score --task TextVQA --predictions merge.jsonl --annotations val.json"],
        ["rescore"] = ["rescore 20261124-09"],
        ["metrics"] = ["metrics matrix.csv --zero-shot base.csv", "metrics runs/s42/report.json runs/s43/report.json --format json"],
        ["judge run"] = ["judge run 20261124-09 --judge hocon/judges/ollama.hocon --set judge.model=qwen2.5:7b"],
        ["judge dismiss"] = ["judge dismiss 20261124-09 lexical"],
        ["judge export"] = ["judge export 20261124-09 --cells final --samples 50"],
        ["judge import"] = ["judge import 20261124-09 scores-anna.csv scores-ben.csv"],
        ["validate"] = ["validate hocon/my-llava.hocon --set lora.rank=64"],
        ["doctor"] = ["doctor --runs /data/runs"],
        ["plan"] = ["plan hocon/my-llava.hocon --memory 24GB --tokens-per-second 1500"],
        ["model info"] = ["model info /models/llava-1.5-7b"],
        ["model merge"] = ["model merge runs/s42/stages/8/adapter --model /models/llava-1.5-7b --out /models/merged --dtype float16"],
        ["mini generate"] = ["mini generate --out /tmp/mini --train-samples 40 --test-samples 20"],
        ["mini pretrain"] = ["mini pretrain --out /tmp/mini-model --steps 200"],
        ["cluster certs"] = ["cluster certs --out certs --hosts gpu1.example.org,gpu2.example.org"],
        ["data check"] = ["data check hocon/my-llava.hocon --task GQA --fail-on warning"],
        ["data preview"] = ["data preview hocon/my-llava.hocon --task TextVQA --split test --samples 3"],
        ["data build"] = ["data build --task GQA --raw /raw --out /data/CoIN --volume 0.2"],
    };

    /// <summary>The examples of a command with a heading; nothing for a group of commands.</summary>
    public static IEnumerable<string> Of(string command) =>
        Lines.TryGetValue(command, out var lines) ? ["Examples:", .. lines.Select(line => "  ./run.sh " + line)] : [];
}
