using CoIN.Actors.Journal;
using CoIN.Benchmark;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Steps;
using CoIN.Cli.Views;
using CoIN.Models.Boards;

namespace CoIN.Cli.Watching;

/// <summary>
/// Keeps event files for TensorBoard in the runs' folders while they are driven. They are made of the journal and the files of steps, and
/// made anew when a run is taken up: so they have neither holes nor doubles, whatever happened to the process before.
/// </summary>
internal sealed class TensorBoardFiles : IDisposable
{
    /// <summary>The folder in a run's folder.</summary>
    public const string Folder = "tensorboard";

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<Board> boards;
    private readonly Action<string> warn;
    private readonly ManualResetEventSlim ended = new();
    private readonly Thread thread;

    /// <param name="folders">The runs' folders.</param>
    /// <param name="warn">Is told once what keeps a run's files from being written; the run goes on.</param>
    public TensorBoardFiles(IEnumerable<string> folders, Action<string> warn)
    {
        (boards, this.warn) = ([.. folders.Select(folder => new Board(folder))], warn);
        thread = new Thread(Follow) { IsBackground = true, Name = "tensorboard" };
        thread.Start();
    }

    /// <summary>Writes what is missing, and ends.</summary>
    public void Dispose()
    {
        ended.Set();
        if (thread.Join(Patience))
        {
            ended.Dispose();
            boards.ForEach(board => board.Dispose());
        }
    }

    private void Follow()
    {
        bool last;
        do
        {
            last = ended.Wait(LookEvery);
            foreach (var board in boards.Where(board => !board.Broken))
            {
                try
                {
                    board.Write();
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or CoinException)
                {
                    board.Broken = true;
                    warn($"The files for TensorBoard in {board.Path} cannot be written, and are left as they are: {e.Message}");
                }
            }
        } while (!last);
    }

    private sealed class Board(string runFolder) : IDisposable
    {
        private readonly Dictionary<int, int> steps = [];
        private readonly HashSet<(int, int)> cells = [];
        private readonly HashSet<(int, int)> validated = [];
        private EventFile? file;
        private int rows;

        public string Path => System.IO.Path.Combine(runFolder, Folder);

        public bool Broken { get; set; }

        public void Write()
        {
            if (RunJournal.Look(runFolder) is not { } state)
            {
                return;
            }

            if (file is null)
            {
                if (Directory.Exists(Path))
                {
                    Directory.Delete(Path, recursive: true);
                }

                file = new EventFile(Path, DateTimeOffset.UtcNow);
                var options = string.Join(
                    '\n',
                    OptionList
                        .Flat(state.Options)
                        .Select(one => $"| {one.Key} | {one.Value.Replace("|", "\\|", StringComparison.Ordinal)} |")
                );
                file.Text("configuration", $"| key | value |\n|---|---|\n{options}", 0, state.StartedAt ?? DateTimeOffset.UtcNow);
            }

            WriteSteps(state);
            WriteCells(state);
            file.Flush();
        }

        public void Dispose() => file?.Dispose();

        private void WriteSteps(RunState state)
        {
            var before = 0;
            foreach (var stage in state.Curriculum.Trained)
            {
                var all = StepsFile.Read(System.IO.Path.Combine(runFolder, RunPaths.Steps(stage.Number, stage.Name)));
                foreach (var step in all.Where(step => step.Step > steps.GetValueOrDefault(stage.Number)))
                {
                    steps[stage.Number] = step.Step;
                    var place = before + step.Step;
                    file!.Scalar("train/loss", step.Loss, place, step.At);
                    file.Scalar("train/learning rate", step.LearningRate, place, step.At);
                    file.Scalar("train/gradient norm", step.GradNorm, place, step.At);
                    file.Scalar("train/tokens per second", step.Seconds > 0 ? step.Tokens / step.Seconds : 0, place, step.At);
                    file.Scalar("train/memory MiB", step.Memory / (double)(1 << 20), place, step.At);
                    file.Scalar(FormattableString.Invariant($"loss by stage/{stage.Number} {stage.Name}"), step.Loss, step.Step, step.At);
                }

                foreach (var (_, point) in state.Validations.Where(one => one.Key.Stage == stage.Number && validated.Add(one.Key)))
                {
                    file!.Scalar("validation/loss", point.Loss, before + point.Step, state.LastAt ?? DateTimeOffset.UtcNow);
                }

                before += all.Count > 0 ? all[^1].Of : 0;
            }
        }

        private void WriteCells(RunState state)
        {
            foreach (
                var cell in state.Cells.Values.Where(cell => cells.Add((cell.Stage, cell.Task))).OrderBy(cell => (cell.Stage, cell.Task))
            )
            {
                if (state.Efforts.GetValueOrDefault((cell.Stage, cell.Task)) is { Seconds: > 0 } effort)
                {
                    file!.Scalar($"samples per second/{state.TaskNames[cell.Task]}", effort.Samples / effort.Seconds, cell.Stage, cell.At);
                }

                var task = state.TaskNames[cell.Task];
                file!.Scalar($"Truth Alignment, published/{task}", cell.Accuracy, cell.Stage, cell.At);
                if (cell.Corrected is { } corrected)
                {
                    file.Scalar($"Truth Alignment, corrected/{task}", corrected, cell.Stage, cell.At);
                }
            }

            var snapshot = state.ToSnapshot();
            if (MatrixMetrics.SoFar(snapshot) is not { } known || known.Rows == rows)
            {
                return;
            }

            rows = known.Rows;
            var at = state.LastAt ?? DateTimeOffset.UtcNow;
            file!.Scalar("so far, published/MAA", known.Maa, rows, at);
            if (known.Bwt is { } transfer)
            {
                file.Scalar("so far, published/BWT", transfer, rows, at);
            }

            var (png, width, height) = MatrixPicture.Draw(snapshot.Cells, snapshot.Tasks.Count);
            file.Image("accuracy matrix, published", png, width, height, rows, at);
            file.Text("accuracy matrix, published", Table(snapshot), rows, at);
        }

        private static string Table(RunSnapshot snapshot) =>
            string.Join(
                '\n',
                new[]
                {
                    $"| after | {string.Join(" | ", snapshot.Tasks)} |",
                    $"|---|{string.Concat(snapshot.Tasks.Select(_ => "---:|"))}",
                }.Concat(
                    snapshot.Cells.Select(
                        (row, place) =>
                            Words.Text($"| {place + 1} {snapshot.Stages[place]} | ")
                            + string.Join(" | ", row.Select(cell => cell is { } known ? Words.Text($"{known:0.00}") : ""))
                            + " |"
                    )
                )
            );
    }
}
