using CoIN.Benchmark.Data;
using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Support;

/// <summary>A language model in the place of one that sees pictures: its samples have none.</summary>
internal sealed class TextAlone(DecoderModel language, IBackend backend) : IPictureModel
{
    public DecoderModel Language => language;

    public IBackend Backend => backend;

    public int ImageTokens => 0;

    public Projector Projector { get; } = new([zeros(32, 8), zeros(32), zeros(32, 32), zeros(32)], ProjectorForm.Llava);

    public int PicturesTogether => 1;

    public Tensor Embed(SequenceBatch batch, Tensor? features, Projector? projector = null) => language.Embed(batch.TextIds);

    public Tensor Features(Tensor pixels) => throw new NotSupportedException();

    public IPictureModel Merged(IAdapter adapter) => throw new NotSupportedException();

    public void Dispose()
    {
        Projector.Dispose();
        language.Dispose();
    }
}

/// <summary>Samples whose ids and labels are given, by the sample's id.</summary>
internal sealed class GivenTokens(IReadOnlyDictionary<string, TokenizedSample> tokens) : IPrompts
{
    public int EndOfSequence => 2;

    public TokenizedSample Training(TrainingSample sample) => tokens[sample.Id];

    public string TrainingPrompt(TrainingSample sample) => throw new NotSupportedException();

    public IReadOnlyList<int> Evaluation(string question, int pictures) => throw new NotSupportedException();

    public string EvaluationPrompt(string question, int pictures) => throw new NotSupportedException();

    public string Decode(IEnumerable<int> ids) => throw new NotSupportedException();

    public string TokenText(int id) => throw new NotSupportedException();
}
