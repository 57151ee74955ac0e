using System.Numerics;
using System.Text;
using CoIN.Benchmark.Pickle;

namespace CoIN.Benchmark.Tests.Pickle;

public sealed class UnpicklerTests
{
    /// <summary>
    /// What Python 3 writes for <c>[None, True, False, 7, -3, 70000, 2**70, 1.5, "h\u00e9\u4e2d\U0001f600", b"\x00\xff", (1, "a"), {"k":
    /// [1, 2]}, {3}]</c> in each protocol.
    /// </summary>
    [Theory]
    [MemberData(nameof(Protocols))]
    public void Plain_data_of_every_protocol_read_as_Python_wrote_them(int protocol, string base64)
    {
        var list = Assert.IsType<PickleList>(Read(Convert.FromBase64String(base64)));
        Assert.Equal(13, list.Count);
        Assert.Equal([null, true, false, 7L, -3L, 70000L, BigInteger.Pow(2, 70), 1.5, "h\u00e9\u4e2d\U0001f600"], list.Take(9));
        Assert.Equal([0, 255], Assert.IsType<byte[]>(list[9]));
        Assert.Equal([1L, "a"], Assert.IsType<PickleTuple>(list[10]));
        Assert.Equal([1L, 2L], Assert.IsType<PickleList>(Assert.IsType<PickleDictionary>(list[11])["k"]));
        Assert.True(Assert.IsType<PickleSet>(list[12]).Contains(3L), $"protocol {protocol}");
    }

    public static TheoryData<int, string> Protocols =>
        new()
        {
            {
                0,
                "KGxwMApOYUkwMQphSTAwCmFJNwphSS0zCmFJNzAwMDAKYUwxMTgwNTkxNjIwNzE3NDExMzAzNDI0TAphRjEuNQphVmjpXHU0ZTJkXFUwMDAxZjYwMApwMQphY19jb2RlY3MKZW5jb2RlCnAyCihWXHUwMDAw/wpwMwpWbGF0aW4xCnA0CnRwNQpScDYKYShJMQpWYQpwNwp0cDgKYShkcDkKVmsKcDEwCihscDExCkkxCmFJMgphc2FjX19idWlsdGluX18Kc2V0CnAxMgooKGxwMTMKSTMKYXRwMTQKUnAxNQphLg=="
            },
            {
                1,
                "XXEAKE5JMDEKSTAwCksHSv3///9KcBEBAEwxMTgwNTkxNjIwNzE3NDExMzAzNDI0TApHP/gAAAAAAABYCgAAAGjDqeS4rfCfmIBxAWNfY29kZWNzCmVuY29kZQpxAihYAwAAAADDv3EDWAYAAABsYXRpbjFxBHRxBVJxBihLAVgBAAAAYXEHdHEIfXEJWAEAAABrcQpdcQsoSwFLAmVzY19fYnVpbHRpbl9fCnNldApxDChdcQ1LA2F0cQ5ScQ9lLg=="
            },
            {
                2,
                "gAJdcQAoToiJSwdK/f///0pwEQEAigkAAAAAAAAAAEBHP/gAAAAAAABYCgAAAGjDqeS4rfCfmIBxAWNfY29kZWNzCmVuY29kZQpxAlgDAAAAAMO/cQNYBgAAAGxhdGluMXEEhnEFUnEGSwFYAQAAAGFxB4ZxCH1xCVgBAAAAa3EKXXELKEsBSwJlc2NfX2J1aWx0aW5fXwpzZXQKcQxdcQ1LA2GFcQ5ScQ9lLg=="
            },
            {
                3,
                "gANdcQAoToiJSwdK/f///0pwEQEAigkAAAAAAAAAAEBHP/gAAAAAAABYCgAAAGjDqeS4rfCfmIBxAUMCAP9xAksBWAEAAABhcQOGcQR9cQVYAQAAAGtxBl1xByhLAUsCZXNjYnVpbHRpbnMKc2V0CnEIXXEJSwNhhXEKUnELZS4="
            },
            {
                4,
                "gASVVwAAAAAAAABdlChOiIlLB0r9////SnARAQCKCQAAAAAAAAAAQEc/+AAAAAAAAIwKaMOp5Lit8J+YgJRDAgD/lEsBjAFhlIaUfZSMAWuUXZQoSwFLAmVzj5QoSwOQZS4="
            },
            {
                5,
                "gAWVVwAAAAAAAABdlChOiIlLB0r9////SnARAQCKCQAAAAAAAAAAQEc/+AAAAAAAAIwKaMOp5Lit8J+YgJRDAgD/lEsBjAFhlIaUfZSMAWuUXZQoSwFLAmVzj5QoSwOQZS4="
            },
        };

    [Theory]
    [InlineData("S'it\\'s \\x41\\101\\n'\n.", "it's AA\n")]
    [InlineData("U\u0002\u00c3\u00a9.", "\u00e9")]
    [InlineData("U\u0001\u00e9.", "\u00e9")]
    [InlineData("T\u0001\0\0\0a.", "a")]
    [InlineData("Vh\\u4e2d\\U0001f600\u00e9\n.", "h\u4e2d\U0001f600\u00e9")]
    public void Strings_of_Python_2_read_as_utf8_or_latin1(string pickle, string expected) => Assert.Equal(expected, Read(Latin1(pickle)));

    [Fact]
    public void A_list_of_dicts_as_cPickle_writes_it_in_protocol_0_keeps_keys_in_order()
    {
        var list = (PickleList)Read(Latin1("(lp1\n(dp2\nS'ref_id'\np3\nI5\nsS'split'\nS'train'\nsa(dp4\ng3\nI6\nsa."))!;
        Assert.Equal(["ref_id", "split"], ((PickleDictionary)list[0]!).Keys);
        Assert.Equal(6L, ((PickleDictionary)list[1]!)["ref_id"]);
    }

    [Theory]
    [InlineData("cos\nsystem\n(S'echo run'\ntR.", "os.system")]
    [InlineData("cposix\nsystem\n(S'echo run'\ntR.", "posix.system")]
    [InlineData("(S'echo run'\nios\nsystem\n.", "os.system")]
    [InlineData("(cos\nsystem\nS'echo run'\no.", "os.system")]
    [InlineData("\u008c\u0002os\u008c\u0006system\u0093.", "os.system")]
    [InlineData("c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval")]
    [InlineData("cbuiltins\ngetattr\n.", "builtins.getattr")]
    public void Every_global_that_is_not_allowed_is_refused_by_its_name(string pickle, string name)
    {
        var message = Refused(pickle);
        Assert.Contains($"'{name}'", message, StringComparison.Ordinal);
        Assert.Contains("nothing of it was run", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "truncated")]
    [InlineData("]", "truncated")]
    [InlineData("X\u00ff\u00ff\u0000\u0000ab.", "claims 65535 bytes")]
    [InlineData("\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ffab.", "longer than a pickle may be")]
    [InlineData("T\u00ff\u00ff\u00ff\u00ffab.", "longer than a pickle may be")]
    [InlineData("\u008b\u00ff\u00ff\u0000\u0000.", "an integer has 65535 bytes")]
    [InlineData("t.", "a mark is missing")]
    [InlineData(".", "a value is missing")]
    [InlineData("(I1\nd.", "a key without a value")]
    [InlineData("}]I1\ns.", "a key is neither")]
    [InlineData("I1\nI2\na.", "no list and no set")]
    [InlineData("h\u0005.", "no value 5")]
    [InlineData("]q\0h\0a.", "changed after it was put into another")]
    [InlineData("Q.", "a value is missing")]
    [InlineData("I1\nQ.", "data outside of it")]
    [InlineData("I1\n)R.", "no function")]
    [InlineData("ccollections\nOrderedDict\nI1\nR.", "are no tuple")]
    [InlineData("ccollections\nOrderedDict\n(I1\ntR.", "not what it takes")]
    [InlineData("\u0082\u0001.", "extension registry")]
    [InlineData("I1\n}b.", "sets the state")]
    [InlineData("\u0080\u0009.", "protocol 9")]
    [InlineData("\u00fe.", "0xfe is no operation")]
    [InlineData("Iabc\n.", "not a number")]
    [InlineData("S'abc\n.", "quotation marks")]
    [InlineData("S'a\\'\n.", "an escape")]
    [InlineData("X\u0001\0\0\0\u00ff.", "not UTF-8")]
    public void Damaged_and_malicious_pickles_are_refused_by_source_and_fault(string pickle, string fault) =>
        Assert.Contains(fault, Refused(pickle), StringComparison.Ordinal);

    [Fact]
    public void Deep_nesting_and_great_memory_are_refused()
    {
        Assert.Contains("nested more than 100 deep", Refused(new string('(', 200) + new string('l', 200) + "."), StringComparison.Ordinal);
        var options = new UnpicklerOptions { LargestMemory = 10_000 };
        Assert.Contains("10000 bytes of memory", Refused(new string(']', 1000) + ".", options), StringComparison.Ordinal);
        Assert.Contains(
            "longer than the 5 bytes",
            Refused("I1000000\n.", new UnpicklerOptions { LargestPickle = 5 }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Listed_objects_are_made_by_the_callers_functions_and_others_only_named()
    {
        var options = new UnpicklerOptions
        {
            Globals = [new("m.make", arguments => $"made {arguments[0]}"), new("m.name")],
            PersistentLoad = id => $"stored {((PickleTuple)id!)[1]}",
        };
        Assert.Equal("made 4", Read(Latin1("cm\nmake\n(I4\ntR."), options));
        Assert.Equal("m.name", Assert.IsType<PickleGlobal>(Read(Latin1("cm\nname\n."), options)).Name);
        Assert.Equal("stored 9", Read(Latin1("(S'storage'\nI9\ntQ."), options));
        Assert.Contains("may only be named", Refused("cm\nname\n)R.", options), StringComparison.Ordinal);
    }

    [Fact]
    public void Several_pickles_in_one_stream_read_one_after_another()
    {
        using var stream = new MemoryStream(Latin1("I1\n.I2\n.rest"));
        Assert.Equal(1L, Unpickler.Load(stream, "two"));
        Assert.Equal(2L, Unpickler.Load(stream, "two"));
        Assert.Equal(8, stream.Position);
    }

    [Fact]
    public void Whatever_is_changed_in_a_pickle_it_reads_or_is_refused_and_nothing_else()
    {
        var random = new Random(11);
        var refused = 0;
        var pickles = Protocols.Select(row => Convert.FromBase64String(row.Data.Item2)).ToList();
        for (var round = 0; round < 3000; round++)
        {
            var bytes = (byte[])pickles[round % pickles.Count].Clone();
            for (var changes = random.Next(1, 5); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                Read(random.Next(5) == 0 ? bytes[..random.Next(bytes.Length)] : bytes, new UnpicklerOptions { LargestMemory = 1 << 20 });
            }
            catch (CoinException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 1000, 2999);
    }

    private static object? Read(byte[] pickle, UnpicklerOptions? options = null)
    {
        using var stream = new MemoryStream(pickle);
        return Unpickler.Load(stream, "test.p", options);
    }

    private static string Refused(string pickle, UnpicklerOptions? options = null)
    {
        var message = Assert.Throws<CoinException>(() => Read(Latin1(pickle), options)).Message;
        Assert.StartsWith("test.p ", message, StringComparison.Ordinal);
        return message;
    }

    private static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);
}
