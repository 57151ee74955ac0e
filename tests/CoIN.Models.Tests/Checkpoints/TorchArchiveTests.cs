using System.IO.Compression;
using System.Text;
using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Checkpoints;

/// <summary>The archives zipped.pt and sequential.pt were written by torch.save, in its newer and its older format, of one dict.</summary>
public sealed class TorchArchiveTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData("zipped.pt")]
    [InlineData("sequential.pt")]
    public void Tensors_of_both_formats_read_as_torch_saved_them(string name)
    {
        using var archive = new TorchArchive(Written(name));
        Assert.Equal(
            ["brain", "empty", "half", "ids", "scalar", "tail", "turned", "weight", "whole", "yes"],
            archive.Names.Order(StringComparer.Ordinal)
        );

        // Three tensors share a storage: the whole, its end, and a transposed view.
        Is(archive, "whole", ScalarType.Float32, [6], 0, 1, 2, 3, 4, 5);
        Is(archive, "tail", ScalarType.Float32, [2], 4, 5);
        Is(archive, "turned", ScalarType.Float32, [3, 2], 0, 3, 1, 4, 2, 5);
        Is(archive, "half", ScalarType.Float16, [2], 1.5f, -2);
        Is(archive, "brain", ScalarType.BFloat16, [1, 1], 0.5f);
        Is(archive, "ids", ScalarType.Int64, [2], 7, -8);
        Is(archive, "yes", ScalarType.Bool, [2], 1, 0);
        Is(archive, "scalar", ScalarType.Float32, [], 3.25f);
        Is(archive, "weight", ScalarType.Float32, [1], 9);
        Is(archive, "empty", ScalarType.Float32, [0, 4]);
    }

    [Theory]
    [InlineData("cposix\nsystem\n(S'touch ran'\ntR.", "'posix.system'")]
    [InlineData("c__builtin__\nexec\n(S'import os'\ntR.", "'__builtin__.exec'")]
    [InlineData("ctorch.hub\nload\n(S'x'\ntR.", "'torch.hub.load'")]
    [InlineData("ctorch.storage\n_load_from_bytes\n(S'x'\ntR.", "'torch.storage._load_from_bytes'")]
    [InlineData("ctorch\nFloatStorage\n(I9\ntR.", "may only be named")]
    [InlineData("]q\0.", "holds no dict of tensors")]
    [InlineData("}X\u0001\0\0\0aK\u0001s.", "holds no tensor")]
    [InlineData("}", "truncated")]
    public void An_archive_whose_pickle_holds_anything_but_tensors_is_refused_by_name(string pickle, string fault) =>
        Assert.Contains(fault, Refused(Zip(("a/data.pkl", Latin1(pickle)))), StringComparison.Ordinal);

    [Theory]
    [InlineData(0, "K\u0004\u0085", "K\u0001\u0085", null)]
    [InlineData(0, "K\u0005\u0085", "K\u0001\u0085", "reaches beyond the 4 elements")]
    [InlineData(2, "K\u0003\u0085", "K\u0001\u0085", "reaches beyond the 4 elements")]
    [InlineData(0, "K\u0002K\u0003\u0086", "K\u0003K\u0001\u0086", "reaches beyond the 4 elements")]
    [InlineData(0, "J\0\0\0\u0040J\0\0\0\u0040\u0086", "K\0K\0\u0086", "reaches beyond the 4 elements")]
    [InlineData(
        0,
        "J\u00ff\u00ff\u00ff\u007fJ\u00ff\u00ff\u00ff\u007fJ\u00ff\u00ff\u00ff\u007f\u0087",
        "J\u00ff\u00ff\u00ff\u007fJ\u00ff\u00ff\u00ff\u007fJ\u00ff\u00ff\u00ff\u007f\u0087",
        "not what it takes"
    )]
    [InlineData(0, "J\u00ff\u00ff\u00ff\u00ff\u0085", "K\u0001\u0085", "shape [-1]")]
    [InlineData(0, "K\u0002\u0085", "K\u0001K\u0001\u0086", "strides [1, 1]")]
    [InlineData(0, "N\u0085", "K\u0001\u0085", "not what it takes")]
    public void A_view_beyond_its_storage_is_refused_before_memory_is_taken(int offset, string shape, string strides, string? fault)
    {
        var file = Zip(("a/data.pkl", Latin1(TensorPickle(offset, shape, strides))), ("a/data/0", new byte[16]));
        if (fault is null)
        {
            using var archive = new TorchArchive(file);
            Is(archive, "x", ScalarType.Float32, [4], 0, 0, 0, 0);
            return;
        }

        Assert.Contains(fault, Refused(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Members_that_are_missing_twice_too_short_compressed_or_of_the_wrong_byte_order_are_refused()
    {
        var pickle = Latin1(TensorPickle(0, "K\u0004\u0085", "K\u0001\u0085"));
        Assert.Contains("no member a/data/0", Refused(Zip(("a/data.pkl", pickle))), StringComparison.Ordinal);
        Assert.Contains(
            "needs 16 bytes but has 12",
            Refused(Zip(("a/data.pkl", pickle), ("a/data/0", new byte[12]))),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "two members",
            Refused(Zip(("a/data.pkl", pickle), ("a/data/0", new byte[16]), ("a/data/0", new byte[16]))),
            StringComparison.Ordinal
        );
        Assert.Contains("no data.pkl, or several", Refused(Zip(("a/data.pkl", pickle), ("b/data.pkl", pickle))), StringComparison.Ordinal);
        Assert.Contains(
            "byte order is big",
            Refused(Zip(("a/data.pkl", pickle), ("a/byteorder", Latin1("big")), ("a/data/0", new byte[16]))),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "is compressed",
            Refused(Zip(CompressionLevel.Optimal, ("a/data.pkl", [.. pickle, .. new byte[4000]]), ("a/data/0", new byte[16]))),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_member_that_claims_more_than_the_file_has_is_refused_before_memory_is_taken()
    {
        // A tensor of 2 GB, and a directory of the zip file that agrees with it.
        var path = Zip(
            (
                "a/data.pkl",
                Latin1(
                    "}U\u0001xctorch._utils\n_rebuild_tensor_v2\n((U\u0007storagectorch\nFloatStorage\nU\u00010U\u0003cpuJ\0\0\0\u0020tQK\0J\0\0\0\u0020\u0085K\u0001\u0085\u0089)tRs."
                )
            ),
            ("a/data/0", new byte[16])
        );
        var bytes = File.ReadAllBytes(path);
        var entry = bytes.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        BitConverter.TryWriteBytes(bytes.AsSpan(entry + 20), 0x80000000u);
        BitConverter.TryWriteBytes(bytes.AsSpan(entry + 24), 0x80000000u);
        File.WriteAllBytes(path, bytes);
        Assert.Contains("claims 2147483648 bytes", Refused(path), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_archive_or_not_there_is_named()
    {
        File.WriteAllText(folder.Of("pointer.bin"), "version https://git-lfs.github.com/spec/v1");
        File.WriteAllBytes(folder.Of("empty.bin"), []);
        Assert.Contains("Git LFS pointer", Refused(folder.Of("pointer.bin")), StringComparison.Ordinal);
        Refused(folder.Of("empty.bin"));
        Assert.Contains(
            folder.Of("none.bin"),
            Assert.Throws<CoinException>(() => new TorchArchive(folder.Of("none.bin"))).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("zipped.pt")]
    [InlineData("sequential.pt")]
    public void Whatever_is_changed_in_an_archive_it_reads_or_is_refused_and_nothing_else(string name)
    {
        var good = Resource(name);
        var random = new Random(7);
        var refused = 0;
        for (var round = 0; round < 1500; round++)
        {
            File.WriteAllBytes(folder.Of("fuzz.bin"), Mutation.Of(good, random));
            try
            {
                using var archive = new TorchArchive(folder.Of("fuzz.bin"));
                foreach (var tensor in archive.Names)
                {
                    using var read = archive.Read(tensor);
                    Assert.Equal(archive.Describe(tensor).Shape, read.shape);
                    Assert.InRange(read.numel(), 0, good.Length);
                }
            }
            catch (CoinException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 300, 1499);
    }

    [Fact]
    public void A_sharded_folder_of_archives_reads_as_one_and_safetensors_are_preferred()
    {
        File.Copy(Written("zipped.pt"), folder.Of("pytorch_model-00001-of-00001.bin"));
        File.WriteAllText(folder.Of("pytorch_model.bin.index.json"), """{"weight_map": {"whole": "pytorch_model-00001-of-00001.bin"}}""");
        using (var checkpoint = CheckpointFolder.Open(folder.Path))
        {
            Assert.Equal(15f, checkpoint.Take("whole", ScalarType.Float32, CPU, 6).sum().item<float>());

            // What a shard holds beside its index is not lost from the account.
            Assert.Contains("tail", checkpoint.Finish());
        }

        SafetensorsWriter.Write(folder.Of("model.safetensors"), new Dictionary<string, Tensor> { ["whole"] = ones(6) });
        using var preferred = CheckpointFolder.Open(folder.Path);
        Assert.Equal(6f, preferred.Take("whole", ScalarType.Float32, CPU, 6).sum().item<float>());
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("a/b.bin")]
    [InlineData("")]
    public void An_index_that_names_a_file_elsewhere_is_refused(string name)
    {
        File.WriteAllText(folder.Of("pytorch_model.bin.index.json"), "{\"weight_map\": {\"x\": \"" + name + "\"}}");
        Assert.Contains(
            "no plain file name",
            Assert.Throws<CoinException>(() => CheckpointFolder.Open(folder.Path)).Message,
            StringComparison.Ordinal
        );
    }

    private static void Is(TorchArchive archive, string name, ScalarType dtype, long[] shape, params float[] values)
    {
        using var tensor = archive.Read(name);
        Assert.Equal((dtype, string.Join(',', shape)), (archive.Describe(name).Dtype, string.Join(',', archive.Describe(name).Shape)));
        Assert.Equal(dtype, tensor.dtype);
        Assert.Equal(shape, tensor.shape);
        Assert.Equal(values, tensor.numel() == 0 ? [] : tensor.to(ScalarType.Float32).data<float>().ToArray());
    }

    /// <summary>A dict with one float32 tensor x of a storage of four elements.</summary>
    private static string TensorPickle(int offset, string shape, string strides) =>
        "}U\u0001xctorch._utils\n_rebuild_tensor_v2\n((U\u0007storagectorch\nFloatStorage\nU\u00010U\u0003cpuK\u0004tQ"
        + $"K{(char)offset}{shape}{strides}\u0089ccollections\nOrderedDict\n)RtRs.";

    private static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);

    private static byte[] Resource(string name)
    {
        using var stream = typeof(TorchArchiveTests).Assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private string Written(string name)
    {
        File.WriteAllBytes(folder.Of(name), Resource(name));
        return folder.Of(name);
    }

    private string Zip(params (string Name, byte[] Bytes)[] members) => Zip(CompressionLevel.NoCompression, members);

    private string Zip(CompressionLevel level, params (string Name, byte[] Bytes)[] members)
    {
        var path = folder.Of("made.bin");
        using var stream = new FileStream(path, FileMode.Create);
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create);
        foreach (var (name, bytes) in members)
        {
            using var member = zip.CreateEntry(name, level).Open();
            member.Write(bytes);
        }

        return path;
    }

    private static string Refused(string path)
    {
        var message = Assert.Throws<CoinException>(() => new TorchArchive(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        return message;
    }
}
