using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Methods;
using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Methods;

/// <summary>A method names the kind of adapter that it trains.</summary>
public sealed class AdapterOfMethodTests : IDisposable
{
    private readonly TinyStage tiny = new();

    public void Dispose() => tiny.Dispose();

    [Fact]
    public void Methods_that_name_no_kind_train_LoRA()
    {
        Assert.Equal("LoRA", new TrainingMethods().Adapter(tiny.Options with { Method = "other" }).Name);
        var methods = new TrainingMethods(new TrainingMethodEntry("other", null, _ => new Other(continues: false)));
        Assert.Equal("other", methods.Adapter(tiny.Options with { Method = "other" }).Name);
        Assert.Equal("LoRA", methods.Adapter(tiny.Options with { Method = "another" }).Name);
        Assert.Null(methods.Create(tiny.Options with { Method = "other" }));
    }

    [Fact]
    public void A_stage_trains_an_adapter_of_the_methods_kind()
    {
        var kind = new Other(continues: false);
        using (tiny.Open(kernels: false, method: null, tiny.Options with { Method = "other" }, kind: kind))
        {
            Assert.Equal(1, kind.Made);
        }
    }

    [Fact]
    public void An_adapter_of_another_kind_is_refused_by_name_unless_the_kind_continues_it()
    {
        tiny.Train("plain", 1, kernels: false, method: null);
        var options = tiny.Options with { Method = "other" };
        var refusal = Assert
            .Throws<CoinException>(() =>
                tiny.Open(kernels: false, method: null, options, adapter: "plain", kind: new Other(continues: false))
            )
            .Message;
        Assert.Contains(tiny.Folder.Of("plain"), refusal, StringComparison.Ordinal);
        Assert.Contains("a LoRA adapter, but the method other trains other", refusal, StringComparison.Ordinal);

        var kind = new Other(continues: true);
        using (tiny.Open(kernels: false, method: null, options, adapter: "plain", kind: kind))
        {
            Assert.Equal(1, kind.Continued);
        }
    }

    /// <summary>LoRA under another name.</summary>
    private sealed class Other(bool continues) : IAdapterKind
    {
        private readonly LoraKind lora = new();

        public int Made { get; private set; }

        public int Continued { get; private set; }

        public string Name => "other";

        public bool Recognizes(string folder) => false;

        public bool Continues(IAdapterKind files) => continues && files.Name == lora.Name;

        public void Check(string folder) => lora.Check(folder);

        public IAdapter Initialize(DecoderModel language, Projector projector, LoraOptions options, Device device, long seed)
        {
            Made++;
            return lora.Initialize(language, projector, options, device, seed);
        }

        public IAdapter Read(string folder, DecoderModel language, Projector projector) => lora.Read(folder, language, projector);

        public IAdapter ReadToTrain(string folder, DecoderModel language, Projector projector, LoraOptions options, long seed)
        {
            Continued++;
            return lora.ReadToTrain(folder, language, projector, options, seed);
        }
    }
}
