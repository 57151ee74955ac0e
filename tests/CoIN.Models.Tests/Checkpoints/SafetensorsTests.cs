using System.Buffers.Binary;
using System.Text;
using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Checkpoints;

public sealed class SafetensorsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.Int64)]
    public void A_tensor_comes_back_as_it_was_written(ScalarType dtype)
    {
        var tensor = arange(6).view(2, 3).to(dtype);
        SafetensorsWriter.Write(folder.Of("a"), new Dictionary<string, Tensor> { ["x"] = tensor.t(), ["empty"] = zeros(0, 4) });
        using var file = new SafetensorsFile(folder.Of("a"));
        var back = file.Read("x");
        Assert.Equal((dtype, 3L, 2L), (back.dtype, back.size(0), back.size(1)));
        Assert.True(back.to(ScalarType.Float32).allclose(tensor.t().to(ScalarType.Float32)));
        Assert.Equal([0L, 4L], file.Read("empty").shape);
    }

    [Fact]
    public void A_file_that_is_cut_off_while_it_is_open_is_named()
    {
        using (var tensor = torch.ones(100))
        {
            SafetensorsWriter.Write(folder.Of("cut"), new Dictionary<string, torch.Tensor> { ["x"] = tensor });
        }

        using var file = new SafetensorsFile(folder.Of("cut"));
        using (var writer = new FileStream(folder.Of("cut"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            writer.SetLength(writer.Length - 4);
        }

        Assert.Contains(folder.Of("cut"), Assert.Throws<CoinException>(() => file.Read("x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_bytes_do_not_depend_on_the_order_in_which_tensors_are_given()
    {
        Tensor a = ones(3),
            b = zeros(2);
        SafetensorsWriter.Write(folder.Of("1"), new Dictionary<string, Tensor> { ["a"] = a, ["b"] = b });
        SafetensorsWriter.Write(folder.Of("2"), new Dictionary<string, Tensor> { ["b"] = b, ["a"] = a });
        Assert.Equal(File.ReadAllBytes(folder.Of("1")), File.ReadAllBytes(folder.Of("2")));
    }

    [Theory]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "is truncated")]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, "belong to no tensor")]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "needs 12 bytes but has 8")]
    [InlineData("{\"x\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "dtype F33")]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "shape [-2]")]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", 8, "'x'")]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "byte range")]
    [InlineData("{\"x\":{\"dtype\":\"F32\"}}", 8, "'x' is malformed")]
    [InlineData(
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        4,
        "overlaps"
    )]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "belong to no tensor")]
    [InlineData(
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        4,
        "not valid JSON"
    )]
    [InlineData("[1,2", 0, "not valid JSON")]
    public void A_damaged_header_is_refused_by_file_and_fault(string header, int data, string fault)
    {
        var path = folder.Of("bad.safetensors");
        var json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + data];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        File.WriteAllBytes(path, bytes);
        var message = Assert.Throws<CoinException>(() => new SafetensorsFile(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.Contains(fault, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_shorter_than_their_header_and_missing_files_are_named()
    {
        File.WriteAllBytes(folder.Of("empty"), []);
        File.WriteAllBytes(folder.Of("long"), [255, 255, 255, 255, 0, 0, 0, 0, 1]);
        foreach (var name in new[] { "empty", "long", "missing" })
        {
            Assert.Contains(
                folder.Of(name),
                Assert.Throws<CoinException>(() => new SafetensorsFile(folder.Of(name))).Message,
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public void Whatever_is_changed_in_a_file_it_reads_or_is_refused_and_nothing_else()
    {
        SafetensorsWriter.Write(
            folder.Of("good"),
            new Dictionary<string, Tensor> { ["a"] = ones(3, 2), ["b"] = zeros(4, dtype: ScalarType.BFloat16) }
        );
        var good = File.ReadAllBytes(folder.Of("good"));
        var random = new Random(5);
        var refused = 0;
        for (var round = 0; round < 1000; round++)
        {
            File.WriteAllBytes(folder.Of("fuzz"), Mutation.Of(good, random));
            try
            {
                using var file = new SafetensorsFile(folder.Of("fuzz"));
                foreach (var name in file.Names)
                {
                    using var read = file.Read(name);
                    Assert.Equal(file.Describe(name).Shape, read.shape);
                    Assert.InRange(read.numel() * read.element_size(), 0, good.Length);
                }
            }
            catch (CoinException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 300, 999);
    }

    [Fact]
    public void Shards_and_their_index_read_as_one_checkpoint_that_keeps_account()
    {
        var tensors = Enumerable.Range(0, 5).ToDictionary(i => $"t{i}", i => full([100], (float)i));
        ShardedCheckpoint.Write(folder.Path, tensors, largestShard: 900);
        Assert.Equal(3, Directory.GetFiles(folder.Path, "model-*.safetensors").Length);
        using var checkpoint = CheckpointFolder.Open(folder.Path);
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal((float)i, checkpoint.Take($"t{i}", ScalarType.Float32, CPU, 100).mean().item<float>());
        }

        Assert.Equal(["t4"], checkpoint.Finish());
        Assert.Contains(
            "config.json asks for [7]",
            Assert.Throws<CoinException>(() => checkpoint.Take("t4", ScalarType.Float32, CPU, 7)).Message,
            StringComparison.Ordinal
        );
        checkpoint.Take("gone", ScalarType.Float32, CPU, 1);
        Assert.Contains("missing: gone", Assert.Throws<CoinException>(checkpoint.Finish).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_is_found_in_another_shard_than_the_index_says_and_one_that_no_shard_has_is_missing_only_if_asked_for()
    {
        ShardedCheckpoint.Write(folder.Path, new Dictionary<string, Tensor> { ["a"] = ones(100), ["b"] = ones(100) }, largestShard: 400);
        var index = folder.Of("model.safetensors.index.json");
        File.WriteAllText(
            index,
            File.ReadAllText(index)
                .Replace("\"b\": \"model-00002", "\"b\": \"model-00001", StringComparison.Ordinal)
                .Replace(
                    "\"weight_map\": {",
                    "\"weight_map\": {\"c\": \"model-00001-of-00002.safetensors\", \"d\": \"model-00002-of-00002.safetensors\",",
                    StringComparison.Ordinal
                )
        );
        using var checkpoint = CheckpointFolder.Open(folder.Path);
        _ = (
            checkpoint.Take("a", ScalarType.Float32, CPU, 100),
            checkpoint.Take("b", ScalarType.Float32, CPU, 100),
            checkpoint.Take("c", ScalarType.Float32, CPU, 100)
        );
        Assert.Contains(
            "places them in model-00001-of-00002.safetensors, which does not have them",
            Assert.Throws<CoinException>(checkpoint.Finish).Message,
            StringComparison.Ordinal
        );
        Assert.EndsWith("does not need: d", checkpoint.PromisedInVain(), StringComparison.Ordinal);
    }
}
