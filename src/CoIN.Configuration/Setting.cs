namespace CoIN.Configuration;

/// <summary>Where a value was written.</summary>
/// <param name="Name">For people: a file's path, or <c>--set</c>.</param>
/// <param name="Folder">Folder to which relative paths in it refer; null where a path makes no sense (the built-in reference).</param>
internal sealed record Origin(string Name, string? Folder);

/// <summary>A node of a configuration tree that remembers where it was written.</summary>
internal abstract record Setting(Origin Origin);

/// <summary>A scalar; <paramref name="Text"/> is null for HOCON's <c>null</c> and for the empty string.</summary>
internal sealed record ScalarSetting(string? Text, Origin Origin) : Setting(Origin);

/// <summary>A list of scalars.</summary>
internal sealed record ListSetting(IReadOnlyList<string> Items, Origin Origin) : Setting(Origin);

/// <summary>A list that holds lists, or lists and scalars: values of a key that is a list itself.</summary>
internal sealed record ListsSetting(IReadOnlyList<Setting> Items, Origin Origin) : Setting(Origin);

/// <summary>An object: keys in the order of their first appearance.</summary>
internal sealed record ObjectSetting(OrderedDictionary<string, Setting> Items, Origin Origin) : Setting(Origin)
{
    public static ObjectSetting Empty(Origin origin) => new([], origin);

    /// <summary>This object with a later one laid over it: objects are merged key by key, everything else is replaced.</summary>
    public ObjectSetting OverlaidWith(ObjectSetting later)
    {
        var items = new OrderedDictionary<string, Setting>(Items);
        foreach (var (key, value) in later.Items)
        {
            items[key] =
                items.TryGetValue(key, out var earlier) && earlier is ObjectSetting before && value is ObjectSetting after
                    ? before.OverlaidWith(after)
                    : value;
        }

        return new ObjectSetting(items, later.Origin);
    }
}
