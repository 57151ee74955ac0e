using System.Globalization;
using System.Runtime.Serialization;
using System.Text;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Newtonsoft.Json.Serialization;

namespace CoIN.Actors.Protocol;

/// <summary>
/// Events and messages as JSON. A manifest names kind and version of a payload; no type name of the program ever stands in one. Kinds are
/// only added to: a payload that was written once can always be read.
/// </summary>
internal static class WireFormat
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private static readonly JsonSerializer Json = JsonSerializer.Create(
        new JsonSerializerSettings
        {
            TypeNameHandling = TypeNameHandling.None,
            MetadataPropertyHandling = MetadataPropertyHandling.Ignore,
            DateParseHandling = DateParseHandling.None,
            NullValueHandling = NullValueHandling.Ignore,
            FloatFormatHandling = FloatFormatHandling.Symbol,
            Culture = CultureInfo.InvariantCulture,
            MaxDepth = 32,
            ContractResolver = new DefaultContractResolver
            {
                NamingStrategy = new CamelCaseNamingStrategy { ProcessDictionaryKeys = false, OverrideSpecifiedNames = true },
            },
            Converters = { new StringEnumConverter(), new CurriculumConverter() },
        }
    );

    private static readonly Dictionary<string, Type> Kinds = new(StringComparer.Ordinal)
    {
        ["run-started:1"] = typeof(RunStarted),
        ["run-taken-up:1"] = typeof(RunTakenUp),
        ["stage-begun:1"] = typeof(StageBegun),
        ["base-model-loaded:1"] = typeof(BaseModelLoaded),
        ["checkpoint-saved:1"] = typeof(CheckpointSaved),
        ["stage-trained:1"] = typeof(StageTrained),
        ["shard-answered:1"] = typeof(ShardAnswered),
        ["cell-scored:1"] = typeof(CellScored),
        ["cell-rescored:1"] = typeof(CellRescored),
        ["judge-appointed:1"] = typeof(JudgeAppointed),
        ["judge-dismissed:1"] = typeof(JudgeDismissed),
        ["cell-judged:1"] = typeof(CellJudged),
        ["checkpoint-discarded:1"] = typeof(CheckpointDiscarded),
        ["stage-discarded:1"] = typeof(StageDiscarded),
        ["cell-discarded:1"] = typeof(CellDiscarded),
        ["judgement-discarded:1"] = typeof(JudgementDiscarded),
        ["judging-failed:1"] = typeof(JudgingFailed),
        ["run-completed:1"] = typeof(RunCompleted),
        ["run-failed:1"] = typeof(RunFailed),
        ["run-stopped:1"] = typeof(RunStopped),
        ["train-stage:1"] = typeof(TrainStage),
        ["answer-shard:1"] = typeof(AnswerShard),
        ["score-cell:1"] = typeof(ScoreCell),
        ["judge-cell:1"] = typeof(JudgeCell),
        ["register:1"] = typeof(WorkProtocol.Register),
        ["offer:1"] = typeof(WorkProtocol.Offer),
        ["say-item:1"] = typeof(WorkProtocol.SayItem),
        ["which-options:1"] = typeof(WorkProtocol.WhichOptions),
        ["options-of:1"] = typeof(WorkProtocol.OptionsOf),
        ["too-slow:1"] = typeof(WorkProtocol.TooSlow),
        ["nobody-can:1"] = typeof(WorkProtocol.NobodyCan),
        ["supervises:1"] = typeof(WorkProtocol.Supervises),
        ["still-has:1"] = typeof(WorkProtocol.StillHas),
        ["too-few-trainers:1"] = typeof(WorkProtocol.TooFewTrainers),
        ["meet:1"] = typeof(WorkProtocol.Meet),
        ["links-opened:1"] = typeof(WorkProtocol.LinksOpened),
        ["shares-trained:1"] = typeof(WorkProtocol.SharesTrained),
        ["withdraw:1"] = typeof(WorkProtocol.Withdraw),
        ["assignment:1"] = typeof(WorkProtocol.Assignment),
        ["stop-work:1"] = typeof(WorkProtocol.StopWork),
        ["withdrawn:1"] = typeof(WorkProtocol.Withdrawn),
        ["may-begin:1"] = typeof(WorkProtocol.MayBegin),
        ["begin:1"] = typeof(WorkProtocol.Begin),
        ["refused:1"] = typeof(WorkProtocol.Refused),
        ["acknowledged:1"] = typeof(WorkProtocol.Acknowledged),
        ["work-lost:1"] = typeof(WorkProtocol.WorkLost),
        ["model-loaded:1"] = typeof(WorkProtocol.ModelLoaded),
        ["training-progressed:1"] = typeof(WorkProtocol.TrainingProgressed),
        ["evaluation-progressed:1"] = typeof(WorkProtocol.EvaluationProgressed),
        ["checkpoint-written:1"] = typeof(WorkProtocol.CheckpointWritten),
        ["adapter-written:1"] = typeof(WorkProtocol.AdapterWritten),
        ["shard-written:1"] = typeof(WorkProtocol.ShardWritten),
        ["cell-written:1"] = typeof(WorkProtocol.CellWritten),
        ["judging-progressed:1"] = typeof(WorkProtocol.JudgingProgressed),
        ["judgements-written:1"] = typeof(WorkProtocol.JudgementsWritten),
        ["work-stopped:1"] = typeof(WorkProtocol.WorkStopped),
        ["work-failed:1"] = typeof(WorkProtocol.WorkFailed),
        ["submit:1"] = typeof(RunProtocol.Submit),
        ["resume:1"] = typeof(RunProtocol.Resume),
        ["stop-run:1"] = typeof(RunProtocol.StopRun),
        ["look:1"] = typeof(RunProtocol.Look),
        ["list-runs:1"] = typeof(RunProtocol.ListRuns),
        ["accepted:1"] = typeof(RunProtocol.Accepted),
        ["run-refused:1"] = typeof(RunProtocol.RunRefused),
        ["looked:1"] = typeof(RunProtocol.Looked),
        ["runs:2"] = typeof(RunProtocol.Runs),
        ["introduce:1"] = typeof(NodeProtocol.Introduce),
        ["introduced:1"] = typeof(NodeProtocol.Introduced),
        ["where-are-files:1"] = typeof(NodeProtocol.WhereAreFiles),
        ["files-at:1"] = typeof(NodeProtocol.FilesAt),
        ["kept:1"] = typeof(WorkProtocol.Kept),
        ["checkpoint-lost:1"] = typeof(WorkProtocol.CheckpointLost),
        ["claim:1"] = typeof(SharingProtocol.Claim),
        ["yours:1"] = typeof(SharingProtocol.Yours),
        ["holds:1"] = typeof(SharingProtocol.Holds),
        ["heard:1"] = typeof(SharingProtocol.Heard),
        ["made:1"] = typeof(SharingProtocol.Made),
        ["noted:1"] = typeof(SharingProtocol.Noted),
        ["gone:1"] = typeof(SharingProtocol.Gone),
    };

    private static readonly Dictionary<Type, string> Manifests = Kinds.ToDictionary(pair => pair.Value, pair => pair.Key);

    public static string Manifest(object value) =>
        Manifests.TryGetValue(value.GetType(), out var manifest)
            ? manifest
            : throw new ArgumentException($"{value.GetType()} has no wire format", nameof(value));

    public static byte[] Write(object value)
    {
        using var memory = new MemoryStream(256);
        using (var writer = new JsonTextWriter(new StreamWriter(memory, Utf8, 256, leaveOpen: true)))
        {
            Json.Serialize(
                writer,
                value is WorkProtocol.IHasItem { Item: { } item } ? new { Kind = Manifest(item), Message = value } : value
            );
        }

        return memory.ToArray();
    }

    /// <exception cref="SerializationException">The manifest is of a newer program, or the payload is damaged.</exception>
    public static object Read(byte[] bytes, string manifest)
    {
        if (!Kinds.TryGetValue(manifest, out var type))
        {
            throw new SerializationException($"unknown kind of message '{manifest}': it was written by a newer version of this program");
        }

        try
        {
            using var reader = new JsonTextReader(new StreamReader(new MemoryStream(bytes), Utf8))
            {
                DateParseHandling = DateParseHandling.None,
            };
            return typeof(WorkProtocol.IHasItem).IsAssignableFrom(type)
                ? ReadWithItem(Newtonsoft.Json.Linq.JObject.Load(reader), type)
                : Json.Deserialize(reader, type) ?? throw new SerializationException($"an empty payload of '{manifest}'");
        }
        catch (JsonException e)
        {
            throw new SerializationException($"a damaged payload of '{manifest}': {e.Message}", e);
        }
    }

    /// <summary>A message that carries a work item says in front of which kind the item is.</summary>
    private static object ReadWithItem(Newtonsoft.Json.Linq.JObject json, Type type)
    {
        if (json["message"] is not Newtonsoft.Json.Linq.JObject message)
        {
            // A worker that is free registers without an item.
            return json.ToObject(type, Json)!;
        }

        var item = message["item"]!.ToObject(Kinds[(string)json["kind"]!], Json);
        message.Remove("item");
        var value = (WorkProtocol.IHasItem)message.ToObject(type, Json)!;
        return value.WithItem((WorkItem)item!);
    }

    /// <summary>A curriculum is its stages; what it says beside them follows from those.</summary>
    private sealed class CurriculumConverter : JsonConverter<Curriculum>
    {
        public override void WriteJson(JsonWriter writer, Curriculum? value, JsonSerializer serializer) =>
            serializer.Serialize(writer, value?.Stages);

        public override Curriculum? ReadJson(
            JsonReader reader,
            Type objectType,
            Curriculum? existingValue,
            bool hasExistingValue,
            JsonSerializer serializer
        ) => serializer.Deserialize<List<StageSpec>>(reader) is { } stages ? new Curriculum(stages) : null;
    }
}
