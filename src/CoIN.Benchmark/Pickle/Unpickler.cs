namespace CoIN.Benchmark.Pickle;

/// <summary>
/// Reads Python pickles (protocols 0 to 5) of plain data: None, booleans, integers, floats, texts, bytes, lists, tuples, dicts and sets. Of
/// Python's objects only those that the caller lists are made, by the caller's own functions; every other one is refused by its name, so
/// nothing can run.
/// </summary>
/// <remarks>
/// Values are null, bool, long (BigInteger where it does not fit), double, string, byte[], and the containers of this namespace. A string
/// of Python 2, whose encoding nobody wrote down, is UTF-8 where its bytes are, otherwise Latin-1.
/// </remarks>
public sealed class Unpickler
{
    // A value's share of stack, memo and containers, and what a container takes empty: estimates on the safe side.
    private const long ValueCost = 48;
    private const long ContainerCost = 160;

    private readonly PickleReader reader;
    private readonly UnpicklerOptions options;
    private readonly PickleObjects objects;
    private readonly Dictionary<long, object?> memo = [];
    private readonly Stack<List<object?>> marks = new();
    private List<object?> stack = [];
    private long memory;

    private Unpickler(Stream stream, string source, UnpicklerOptions options)
    {
        this.options = options;
        reader = new PickleReader(stream, source, options.LargestPickle);
        objects = new PickleObjects(source, options, reader);
    }

    /// <summary>Reads one pickle; the stream then stands behind it.</summary>
    /// <param name="stream">Buffered: it is read byte by byte.</param>
    /// <param name="source">What messages call the input, e.g. its path.</param>
    /// <exception cref="CoinException">
    /// It is truncated or damaged, too large or too deep, or names a Python object that is not allowed.
    /// </exception>
    public static object? Load(Stream stream, string source, UnpicklerOptions? options = null) =>
        new Unpickler(stream, source, options ?? new UnpicklerOptions()).Run();

    private object? Run()
    {
        try
        {
            while (true)
            {
                var opcode = (PickleOpcode)reader.Byte();
                Spend(ValueCost);
                if (opcode == PickleOpcode.Stop)
                {
                    return Pop();
                }

                if (!Scalar(opcode) && !Container(opcode) && !Object(opcode) && !Housekeeping(opcode))
                {
                    throw reader.Broken($"0x{(byte)opcode:x2} is no operation of pickle protocols 0 to 5 that plain data need");
                }
            }
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw reader.Broken(e.Message, e);
        }
    }

    /// <summary>Values that stand in the pickle as they are.</summary>
    private bool Scalar(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.None:
                return Push(null);
            case PickleOpcode.NewTrue:
                return Push(true);
            case PickleOpcode.NewFalse:
                return Push(false);
            case PickleOpcode.Int:
                return Push(
                    reader.Word() switch
                    {
                        "00" => false,
                        "01" => true,
                        var digits => reader.Integer(digits),
                    }
                );
            case PickleOpcode.BinInt:
                return Push((long)reader.Int32());
            case PickleOpcode.BinInt1:
                return Push((long)reader.Byte());
            case PickleOpcode.BinInt2:
                return Push((long)reader.UInt16());
            case PickleOpcode.Long:
                return Push(reader.Integer(reader.Word().TrimEnd('L')));
            case PickleOpcode.Long1:
                return Push(reader.Integer(reader.Byte()));
            case PickleOpcode.Long4:
                return Push(reader.Integer(reader.Int32()));
            case PickleOpcode.Float:
                return Push(reader.Float(reader.Word()));
            case PickleOpcode.BinFloat:
                return Push(reader.Float());
            case PickleOpcode.String:
                return Push(PickleReader.LegacyText(PythonLiterals.Quoted(Paid(reader.Line()))));
            case PickleOpcode.BinString:
                return Push(PickleReader.LegacyText(Paid(reader.Bytes(reader.Int32()))));
            case PickleOpcode.ShortBinString:
                return Push(PickleReader.LegacyText(Paid(reader.Bytes(reader.Byte()))));
            case PickleOpcode.Unicode:
                return Push(PythonLiterals.RawUnicode(Paid(reader.Line())));
            case PickleOpcode.BinUnicode:
                return Push(Text(reader.UInt32()));
            case PickleOpcode.ShortBinUnicode:
                return Push(Text(reader.Byte()));
            case PickleOpcode.BinUnicode8:
                return Push(Text(reader.Int64()));
            case PickleOpcode.BinBytes:
                return Push(Paid(reader.Bytes(reader.UInt32())));
            case PickleOpcode.ShortBinBytes:
                return Push(Paid(reader.Bytes(reader.Byte())));
            case PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8:
                return Push(Paid(reader.Bytes(reader.Int64())));
            default:
                return false;
        }
    }

    private bool Container(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.EmptyList:
                return PushContainer(new PickleList());
            case PickleOpcode.EmptyDict:
                return PushContainer(new PickleDictionary());
            case PickleOpcode.EmptySet:
                return PushContainer(new PickleSet());
            case PickleOpcode.EmptyTuple:
                return PushContainer(new PickleTuple([]));
            case PickleOpcode.Tuple1:
                return PushContainer(new PickleTuple(PopMany(1)));
            case PickleOpcode.Tuple2:
                return PushContainer(new PickleTuple(PopMany(2)));
            case PickleOpcode.Tuple3:
                return PushContainer(new PickleTuple(PopMany(3)));
            case PickleOpcode.Tuple:
                return PushContainer(new PickleTuple([.. PopMark()]));
            case PickleOpcode.List:
                return Extend(new PickleList(), PopMark(), push: true);
            case PickleOpcode.Dict:
                return SetItems(new PickleDictionary(), PopMark(), push: true);
            case PickleOpcode.FrozenSet:
                return Extend(new PickleSet(), PopMark(), push: true);
            case PickleOpcode.Append:
                return Extend(PopMany(1), push: false);
            case PickleOpcode.Appends or PickleOpcode.AddItems:
                return Extend(PopMark(), push: false);
            case PickleOpcode.SetItem:
                return SetItems(PopMany(2));
            case PickleOpcode.SetItems:
                return SetItems(PopMark());
            default:
                return false;
        }
    }

    /// <summary>Python objects: names and calls, which the caller's list decides.</summary>
    private bool Object(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Global:
                return Push(objects.Find(reader.Word(), reader.Word()));
            case PickleOpcode.StackGlobal:
                var names = PopMany(2);
                return names is [string module, string name]
                    ? Push(objects.Find(module, name))
                    : throw reader.Broken("a Python object's module and name are not texts");
            case PickleOpcode.Reduce or PickleOpcode.NewObj:
                var call = PopMany(2);
                return PushMade(objects.Call(call[0], call[1] as PickleTuple));
            case PickleOpcode.NewObjEx:
                var extended = PopMany(3);
                return extended[2] is PickleDictionary { Count: 0 }
                    ? PushMade(objects.Call(extended[0], extended[1] as PickleTuple))
                    : throw reader.Broken("an object is made with named arguments, which plain data do not need");
            case PickleOpcode.Inst:
                var called = objects.Find(reader.Word(), reader.Word());
                return PushMade(objects.Call(called, new PickleTuple([.. PopMark()])));
            case PickleOpcode.Obj:
                var parts = PopMark();
                return parts.Count > 0
                    ? PushMade(objects.Call(parts[0], new PickleTuple([.. parts.Skip(1)])))
                    : throw reader.Broken("an object has no class");
            case PickleOpcode.Build:
                var state = Pop();
                objects.Build(Peek(), state);
                return true;
            case PickleOpcode.PersId:
                return PushMade(objects.Persistent(reader.Word()));
            case PickleOpcode.BinPersId:
                return PushMade(objects.Persistent(Pop()));
            default:
                return false;
        }
    }

    private bool Housekeeping(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Proto:
                var protocol = reader.Byte();
                return protocol <= 5 ? true : throw reader.Broken($"it is of protocol {protocol}; readable are 0 to 5");
            case PickleOpcode.Frame:
                // A hint for buffering; the operations within say themselves how long they are.
                _ = reader.Int64();
                return true;
            case PickleOpcode.Mark:
                Spend(ContainerCost);
                marks.Push(stack);
                stack = [];
                return true;
            case PickleOpcode.Pop:
                _ = stack.Count == 0 ? PopMark() : Pop();
                return true;
            case PickleOpcode.PopMark:
                _ = PopMark();
                return true;
            case PickleOpcode.Dup:
                return Push(Peek());
            case PickleOpcode.Memoize:
                return Remember(memo.Count);
            case PickleOpcode.Put:
                return Remember(reader.Integer(reader.Word()) as long? ?? -1);
            case PickleOpcode.BinPut:
                return Remember(reader.Byte());
            case PickleOpcode.LongBinPut:
                return Remember(reader.UInt32());
            case PickleOpcode.Get:
                return Recall(reader.Integer(reader.Word()) as long? ?? -1);
            case PickleOpcode.BinGet:
                return Recall(reader.Byte());
            case PickleOpcode.LongBinGet:
                return Recall(reader.UInt32());
            case PickleOpcode.Ext1 or PickleOpcode.Ext2 or PickleOpcode.Ext4:
                throw reader.Broken("it names an object of Python's extension registry, which plain data do not need");
            default:
                return false;
        }
    }

    private bool Extend(IReadOnlyList<object?> values, bool push) =>
        Peek() is PickleContainer container
            ? Extend(container, values, push)
            : throw reader.Broken("items are added to what is no list and no set");

    private bool Extend(PickleContainer container, IReadOnlyList<object?> values, bool push)
    {
        CheckOpen(container, values);
        foreach (var value in values)
        {
            Spend(ValueCost);
            switch (container)
            {
                case PickleList list:
                    list.Add(value);
                    break;
                case PickleSet set:
                    set.Add(Key(value));
                    break;
                default:
                    throw reader.Broken("items are added to what is no list and no set");
            }
        }

        return push ? PushContainer(container) : CheckDepth(container);
    }

    private bool SetItems(IReadOnlyList<object?> pairs) =>
        Peek() is PickleDictionary dictionary
            ? SetItems(dictionary, pairs, push: false)
            : throw reader.Broken("keys are set in what is no dictionary");

    private bool SetItems(PickleDictionary dictionary, IReadOnlyList<object?> pairs, bool push)
    {
        CheckOpen(dictionary, pairs);
        if (pairs.Count % 2 != 0)
        {
            throw reader.Broken("a dictionary has a key without a value");
        }

        for (var i = 0; i < pairs.Count; i += 2)
        {
            Spend(2 * ValueCost);
            dictionary.Set(Key(pairs[i]), pairs[i + 1]);
        }

        return push ? PushContainer(dictionary) : CheckDepth(dictionary);
    }

    private object Key(object? value) =>
        PickleKeys.IsKey(value) ? value! : throw reader.Broken("a key is neither text, number, bytes nor a flat tuple of these");

    /// <summary>Only a container that stands in no other, and does not take itself in now, may change.</summary>
    private void CheckOpen(PickleContainer container, IReadOnlyList<object?> values)
    {
        if (container.IsSealed || values.Any(value => ReferenceEquals(value, container)))
        {
            throw reader.Broken("a container is changed after it was put into another: it may hold itself");
        }
    }

    private bool CheckDepth(PickleContainer container) =>
        container.Depth <= options.Deepest ? true : throw reader.Broken($"containers are nested more than {options.Deepest} deep");

    private bool PushContainer(PickleContainer container)
    {
        Spend(ContainerCost);
        CheckDepth(container);
        return Push(container);
    }

    private bool PushMade(object? value) => value is PickleContainer container ? PushContainer(container) : Push(value);

    private bool Push(object? value)
    {
        stack.Add(value);
        return true;
    }

    private object? Peek() => stack.Count > 0 ? stack[^1] : throw reader.Broken("a value is missing on its stack");

    private object? Pop()
    {
        var value = Peek();
        stack.RemoveAt(stack.Count - 1);
        return value;
    }

    private object?[] PopMany(int count)
    {
        if (stack.Count < count)
        {
            throw reader.Broken("a value is missing on its stack");
        }

        var values = stack.GetRange(stack.Count - count, count).ToArray();
        stack.RemoveRange(stack.Count - count, count);
        return values;
    }

    private List<object?> PopMark()
    {
        var values = stack;
        stack = marks.Count > 0 ? marks.Pop() : throw reader.Broken("a mark is missing on its stack");
        return values;
    }

    private bool Remember(long key)
    {
        memo[key >= 0 ? key : throw reader.Broken("a memo's number is negative")] = Peek();
        return true;
    }

    private bool Recall(long key) =>
        memo.TryGetValue(key, out var value) ? Push(value) : throw reader.Broken($"its memo has no value {key}");

    private string Text(long bytes)
    {
        var text = reader.Text(bytes);
        Spend(2L * text.Length);
        return text;
    }

    private byte[] Paid(byte[] bytes)
    {
        Spend(2L * bytes.Length);
        return bytes;
    }

    private void Spend(long bytes)
    {
        memory += bytes;
        if (memory > options.LargestMemory)
        {
            throw reader.Broken($"its values would take more than the {options.LargestMemory} bytes of memory that they may have here");
        }
    }
}
