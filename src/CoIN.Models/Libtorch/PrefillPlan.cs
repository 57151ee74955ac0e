using CoIN.Models.Sequences;

namespace CoIN.Models.Libtorch;

/// <summary>The beginning of one or several prompts.</summary>
/// <param name="Ids">Its ids, pictures as placeholders.</param>
/// <param name="Pictures">Rows of the features of its pictures, in order.</param>
/// <param name="Rows">Cache rows of the prompts that begin so.</param>
/// <param name="Length">Positions, pictures expanded.</param>
/// <param name="Rotations">
/// What is added to the position of a text behind its pictures to find its rotation: where its rotations begin (see
/// <see cref="Modules.DecoderModel.RotationsFrom"/>), and what pictures that keep their size make the positions differ by.
/// </param>
internal sealed record PromptHead(
    IReadOnlyList<int> Ids,
    IReadOnlyList<int> Pictures,
    IReadOnlyList<int> Rows,
    int Length,
    int Rotations = 0
);

/// <summary>What follows a shared beginning.</summary>
/// <param name="Ids">Text alone.</param>
/// <param name="Start">Its first position.</param>
/// <param name="Rotations">As its beginning's.</param>
internal sealed record PromptTail(IReadOnlyList<int> Ids, int Start, int Rotations = 0);

/// <summary>
/// How a batch of prompts is computed. Prompts that begin alike up to and including the same picture (several questions about one picture,
/// which many test sets have) share that beginning; every other prompt is a beginning of its own, without a tail.
/// </summary>
internal sealed class PrefillPlan
{
    private PrefillPlan(IReadOnlyList<int> prompts, IReadOnlyList<PromptHead> heads, IReadOnlyList<PromptTail> tails)
    {
        Prompts = prompts;
        Heads = heads;
        Tails = tails;
    }

    /// <summary>The prompt of each cache row: those with tails first.</summary>
    public IReadOnlyList<int> Prompts { get; }

    public IReadOnlyList<PromptHead> Heads { get; }

    /// <summary>The tails of the first rows.</summary>
    public IReadOnlyList<PromptTail> Tails { get; }

    /// <param name="pictures">The row of features of every placeholder, in order.</param>
    /// <param name="maxLength">Positions of the longest prompt; longer ones are cut.</param>
    /// <param name="rotationsFrom">Where a prompt's rotations begin, by its length; null for one table for all.</param>
    public static PrefillPlan For(
        IReadOnlyList<TokenSequence> prompts,
        IReadOnlyList<int> pictures,
        int imageTokens,
        int maxLength,
        Func<int, int>? rotationsFrom = null
    )
    {
        var beginnings = Beginnings(prompts, pictures, ids =>
            (rotationsFrom?.Invoke(Math.Min(Expanded(ids, imageTokens), maxLength)) ?? 0) + PicturePlace.Shift(ids)
        );
        var groups = beginnings
            .Select((beginning, prompt) => (beginning, prompt))
            .Where(pair => Divides(prompts[pair.prompt], pair.beginning, imageTokens, maxLength))
            .GroupBy(pair => pair.beginning.Key, StringComparer.Ordinal)
            .Select(group => group.Select(pair => pair.prompt).ToList())
            .Where(group => group.Count > 1)
            .ToList();
        var tailed = groups.SelectMany(group => group).ToList();
        var whole = Enumerable.Range(0, prompts.Count).Except(tailed).ToList();

        var heads = new List<PromptHead>();
        var tails = new List<PromptTail>();
        foreach (var group in groups)
        {
            var (length, rows) = (beginnings[group[0]].Ids, beginnings[group[0]].Pictures);
            var ids = prompts[group[0]].Ids.Take(length).ToList();
            var rotations = beginnings[group[0]].Rotations;
            heads.Add(new PromptHead(ids, rows, [.. Enumerable.Range(tails.Count, group.Count)], Expanded(ids, imageTokens), rotations));
            tails.AddRange(group.Select(prompt => new PromptTail([.. prompts[prompt].Ids.Skip(length)], heads[^1].Length, rotations)));
        }

        heads.AddRange(
            whole.Select(
                (prompt, i) =>
                    new PromptHead(
                        prompts[prompt].Ids,
                        beginnings[prompt].Pictures,
                        [tailed.Count + i],
                        Math.Min(Expanded(prompts[prompt].Ids, imageTokens), maxLength),
                        beginnings[prompt].Rotations
                    )
            )
        );
        return new PrefillPlan([.. tailed, .. whole], heads, tails);
    }

    /// <summary>The heads in turns whose padded size stays within a number of positions (a single head may exceed it).</summary>
    public IEnumerable<IReadOnlyList<PromptHead>> Turns(int positions)
    {
        var turn = new List<PromptHead>();
        foreach (var head in Heads)
        {
            if (turn.Count > 0 && (turn.Count + 1) * Math.Max(turn.Max(one => one.Length), head.Length) > positions)
            {
                yield return turn;
                turn = [];
            }

            turn.Add(head);
        }

        yield return turn;
    }

    private static int Expanded(IReadOnlyList<int> ids, int imageTokens) => PicturePlace.Positions(ids, imageTokens);

    private static bool Divides(TokenSequence prompt, Beginning beginning, int imageTokens, int maxLength) =>
        beginning.Pictures.Count > 0 && beginning.Ids < prompt.Ids.Count && Expanded(prompt.Ids, imageTokens) <= maxLength;

    private static List<Beginning> Beginnings(
        IReadOnlyList<TokenSequence> prompts,
        IReadOnlyList<int> pictures,
        Func<IReadOnlyList<int>, int> rotationsOf
    )
    {
        var beginnings = new List<Beginning>(prompts.Count);
        var picture = 0;
        foreach (var prompt in prompts)
        {
            var length = 0;
            var rows = new List<int>();
            for (var i = 0; i < prompt.Ids.Count; i++)
            {
                if (PicturePlace.Is(prompt.Ids[i]))
                {
                    length = i + 1;
                    rows.Add(pictures[picture++]);
                }
            }

            var rotations = rotationsOf(prompt.Ids);
            beginnings.Add(
                new Beginning(length, rows, $"{rotations}|{string.Join(' ', rows)}|{string.Join(' ', prompt.Ids.Take(length))}", rotations)
            );
        }

        return beginnings;
    }

    /// <param name="Ids">Ids up to and including the last picture.</param>
    private sealed record Beginning(int Ids, IReadOnlyList<int> Pictures, string Key, int Rotations);
}
