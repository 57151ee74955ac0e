namespace CoIN.Models.Computing;

/// <summary>Sequences that are decoded together, a row for each.</summary>
internal interface IDecodingBatch : IDisposable
{
    /// <summary>The prompt of each row.</summary>
    IReadOnlyList<int> Prompts { get; }

    bool IsOpen(int row);

    /// <summary>Whether the model has no position left for a row.</summary>
    bool IsFull(int row);

    /// <summary>Ends a row. It is still computed until the batch shrinks.</summary>
    void Close(int row);

    /// <summary>Whether it is worth while to go on without the closed rows.</summary>
    /// <param name="open">Rows that are open.</param>
    bool ShouldShrink(int open);

    /// <summary>Goes on with some of the rows.</summary>
    void Keep(IReadOnlyList<int> rows);

    /// <summary>Whether there are prompts that have not begun and can.</summary>
    bool HasRoom { get; }

    /// <summary>Computes prompts that have not begun, as many as there is room for, and adds rows for them.</summary>
    /// <returns>The first token of each new row's answer.</returns>
    long[] Prefill();

    /// <summary>Computes one more position of each row.</summary>
    /// <param name="ids">The token there.</param>
    /// <returns>The token that follows.</returns>
    long[] Decode(long[] ids);
}
