using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark.Experiments;
using Newtonsoft.Json;

namespace CoIN.Benchmark.Runs;

/// <summary>
/// Names results by everything that decides their bits: two runs whose keys are equal would compute the same. Where it is not certain that
/// something decides nothing, it is part of the key; a key too many costs time, one too few would change a result.
/// </summary>
public static class ContentKeys
{
    /// <summary>The key of what a stage's training leaves: adapter, projector, and what the method keeps beside them.</summary>
    /// <param name="state">A run that has begun.</param>
    /// <param name="stage">From 1.</param>
    /// <param name="program">The program's version.</param>
    /// <remarks>
    /// In it are the program, the base model's options, the given adapter's hash, seed, order, method with its options, adapter and
    /// training options, the stage with its tasks' options, batch size and accumulation, hashes and volume of its training files, the list
    /// of images, and the key of the stage it continues from. Where the checkpoints within a stage are written decides nothing, unless a
    /// validation loss is taken there.
    /// </remarks>
    public static string OfStage(RunState state, int stage, string program)
    {
        var options = state.Options;
        var spec = state.Curriculum.Stage(stage);
        return Hash(
            new
            {
                Kind = "stage",
                Program = program,
                options.Model,
                state.Started!.GivenAdapterSha256,
                options.Seed,
                Order = state.TaskNames,
                options.Method,
                MethodOptions = options.MethodOptions?.ToString(),
                Lora = options.Lora with
                {
                    From = null,
                },
                Training = options.Training with
                {
                    CheckpointEvery = Validates(state, spec) ? options.Training.CheckpointEvery : 0,
                    OnLostTrainer = LostTrainer.Continue,
                    OptimizerState = OptimizerState.Whole,
                },
                options.Data.Validation,
                ValidationFiles = spec.Learns.Select(place =>
                    options.Tasks[place].ValidationFile is { } file
                        ? state.Started.DataSha256.GetValueOrDefault($"{options.Tasks[place].Folder}/{file}")
                        : null
                ),
                Stage = new
                {
                    spec.Number,
                    spec.Name,
                    spec.Learns,
                    spec.ContinuesFrom,
                },
                Tasks = spec.Learns.Select(place => options.Tasks[place]),
                Batch = options.BatchSizeOf(spec),
                Accumulation = options.AccumulationOf(spec),
                options.Data.MaxTrainSamples,
                options.Data.Volume,
                Files = spec.Learns.Select(place =>
                    state.Started.DataSha256.GetValueOrDefault($"{options.Tasks[place].Folder}/{options.Tasks[place].TrainFile}")
                ),
                Samples = spec.Learns.Select(place => state.Started.TrainingSamples[place]),
                Images = Images(state),
                Before = spec.ContinuesFrom is { } before ? OfStage(state, before, program) : null,
            }
        );
    }

    /// <summary>
    /// The key of a cell: predictions and scores of an adapter, by what is in its folder, or of the base model on a test set.
    /// </summary>
    /// <param name="state">A run that has begun.</param>
    /// <param name="stage">From 1; 0 for the base model.</param>
    /// <param name="task">0-based place in the order.</param>
    /// <param name="program">The program's version.</param>
    /// <returns>Null where the stage is not trained, or its folder's hash is not known: then the cell is nobody else's.</returns>
    public static string? OfCell(RunState state, int stage, int task, string program)
    {
        var options = state.Options;
        var trained = state.Trained.GetValueOrDefault(stage);
        if (stage != 0 && trained?.FolderSha256 is null)
        {
            return null;
        }

        var tested = options.Tasks[task];
        return Hash(
            new
            {
                Kind = "cell",
                Program = program,
                options.Model,
                GivenAdapter = stage == 0 ? state.Started!.GivenAdapterSha256 : null,
                Adapter = trained?.FolderSha256,

                // What an adapter's folder means is its method's; the base model is the same for all.
                Method = stage == 0 ? null : options.Method,
                Lora = stage == 0 ? null : options.Lora with { From = null, Dropout = 0 },
                Evaluation = options.Evaluation with
                {
                    FeatureCache = 0,
                },
                Task = tested with
                {
                    TrainFile = "",
                    ValidationFile = null,
                    BatchSize = null,
                    GradientAccumulation = null,
                },
                options.Data.MaxTestSamples,
                options.Data.TestSubset,
                Seed = options.Data.TestSubset == TestSubset.Seeded ? options.Seed : (int?)null,

                // The test file, and whatever else its scorer reads; another task's training file is there where a run learns it and not
                // where it does not.
                Files = state
                    .Started!.DataSha256.Where(file =>
                        !options.Tasks.Any(one =>
                            file.Key == $"{one.Folder}/{one.TrainFile}" || file.Key == $"{one.Folder}/{one.ValidationFile}"
                        )
                        || file.Key == $"{tested.Folder}/{tested.TestFile}"
                    )
                    .OrderBy(file => file.Key, StringComparer.Ordinal),
                Samples = state.Started.TestSamples[task],
                Images = Images(state),
            }
        );
    }

    private static bool Validates(RunState state, Methods.StageSpec stage) =>
        state.Started!.ValidationSamples is { } samples && stage.Learns.Any(place => samples[place] > 0);

    private static object Images(RunState state) =>
        new
        {
            state.Options.Data.Images,
            state.Options.Data.BadSamples,
            state.Options.Data.ImageIdentity,
            state.Options.Data.SkippedImages,
            state.Started!.ImagesSha256,
        };

    private static string Hash(object content) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    JsonConvert.SerializeObject(content, new JsonSerializerSettings { Culture = CultureInfo.InvariantCulture })
                )
            )
        );
}
