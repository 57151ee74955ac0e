using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Support;

/// <summary>A model that a given backend trains, whichever the processor would be given.</summary>
internal sealed class BackedModel(IPictureModel model, IBackend backend) : IPictureModel
{
    public DecoderModel Language => model.Language;

    public IBackend Backend => backend;

    public int ImageTokens => model.ImageTokens;

    public Projector Projector => model.Projector;

    public int PicturesTogether => model.PicturesTogether;

    public Tensor Embed(SequenceBatch batch, Tensor? features, Projector? projector = null) => model.Embed(batch, features, projector);

    public Tensor Features(Tensor pixels) => model.Features(pixels);

    public IPictureModel Merged(IAdapter adapter) => model.Merged(adapter);

    public void Dispose() => model.Dispose();
}
