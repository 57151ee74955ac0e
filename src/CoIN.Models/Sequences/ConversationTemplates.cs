using CoIN.Benchmark;

namespace CoIN.Models.Sequences;

/// <summary>
/// How turns become one text: system, a separator, then for each turn its role, a colon and its words; one separator ends a user's turn,
/// another the assistant's.
/// </summary>
/// <param name="System">What stands in front of the first turn; may be empty.</param>
/// <param name="TurnEnd">After a user's turn (and after the system text).</param>
/// <param name="AnswerEnd">After an assistant's turn; training learns it.</param>
internal sealed record ConversationTemplate(string Name, string System, string User, string Assistant, string TurnEnd, string AnswerEnd)
{
    /// <summary>What stands between a question and its answer.</summary>
    public string AnswerMark => $"{TurnEnd}{Assistant}: ";

    /// <summary>The text of some turns; an empty or missing one leaves its role open, without a separator.</summary>
    public string Render(IEnumerable<(bool IsUser, string? Text)> turns) =>
        (System.Length > 0 ? System + TurnEnd : "")
        + string.Concat(
            turns.Select(turn =>
            {
                var role = turn.IsUser ? User : Assistant;
                return string.IsNullOrEmpty(turn.Text) ? $"{role}:" : $"{role}: {turn.Text}{(turn.IsUser ? TurnEnd : AnswerEnd)}";
            })
        );
}

/// <summary>The templates by name.</summary>
internal static class ConversationTemplates
{
    private static readonly ConversationTemplate Vicuna = new(
        "vicuna_v1",
        "A chat between a curious user and an artificial intelligence assistant. "
            + "The assistant gives helpful, detailed, and polite answers to the user's questions.",
        "USER",
        "ASSISTANT",
        " ",
        "</s>"
    );

    private static readonly ConversationTemplate[] All = [Vicuna, Vicuna with { Name = "vicuna_v1_no_system", System = "" }];

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names => [.. All.Select(template => template.Name)];

    /// <param name="name">Null for the first one.</param>
    /// <exception cref="CoinException">There is no template of that name.</exception>
    public static ConversationTemplate Get(string? name) =>
        name is null
            ? All[0]
            : All.FirstOrDefault(template => template.Name == name)
                ?? throw new CoinException(
                    $"model.conversation is '{name}'; there are {string.Join(", ", All.Select(template => template.Name))}."
                );
}
