namespace CoIN.Benchmark.Instructions;

/// <summary>The paper's three ways to word a task's instruction.</summary>
public enum InstructionType
{
    /// <summary>One wording, which most tasks share (Table 1).</summary>
    Original,

    /// <summary>One wording per task, a different one for every task.</summary>
    Diverse,

    /// <summary>Ten wordings per task, one of them drawn for every sample.</summary>
    TenType,
}

/// <summary>Names of the instruction types.</summary>
public static class InstructionTypes
{
    private static readonly Dictionary<string, InstructionType> ByName = new(StringComparer.Ordinal)
    {
        ["original"] = InstructionType.Original,
        ["diverse"] = InstructionType.Diverse,
        ["ten-type"] = InstructionType.TenType,
    };

    /// <summary>The names by which configuration and commands call the types.</summary>
    public static IReadOnlyDictionary<string, InstructionType> Names => ByName;

    /// <summary>The name by which configuration and commands call a type.</summary>
    public static string NameOf(InstructionType type) => ByName.Single(pair => pair.Value == type).Key;

    /// <summary>The folder in which CoIN publishes a type's samples.</summary>
    public static string FolderOf(InstructionType type) =>
        type switch
        {
            InstructionType.Original => "Instructions_Original",
            InstructionType.Diverse => "Instructions_Diverse",
            _ => "Instructions_10type",
        };
}
