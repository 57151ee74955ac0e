using System.Globalization;
using System.Text.RegularExpressions;

namespace CoIN.Models.Checkpoints;

/// <summary>Lists of tensor names for people: every name is in it, those that differ in a layer's number or in
/// their end folded into one, e.g. <c>layers.{0-11}.mlp.fc1.{weight,bias}</c>.</summary>
internal static partial class NameList
{
    // Where even folded names fill pages, their number says what is wrong.
    private const int Longest = 60;

    public static string Of(IEnumerable<string> names)
    {
        var numbered = names
            .Distinct()
            .Select(Split)
            .GroupBy(parts => (parts.Before, parts.After, Numbered: parts.Number is not null))
            .Select(group =>
                group.Key.Numbered
                    ? group.Key.Before + Numbers([.. group.Select(parts => parts.Number!.Value).Order()]) + group.Key.After
                    : group.Key.Before
            );
        var folded = numbered
            .GroupBy(name => name[..(name.LastIndexOf('.') + 1)], name => name[(name.LastIndexOf('.') + 1)..])
            .SelectMany<IGrouping<string, string>, string>(group =>
                group.Key.Length == 0 ? group : [group.Key + (group.Count() == 1 ? group.Single() : $"{{{string.Join(',', group)}}}")]
            )
            .ToList();
        return string.Join(", ", folded.Take(Longest)) + (folded.Count > Longest ? $" and {folded.Count - Longest} more like these" : "");
    }

    private static (string Before, int? Number, string After) Split(string name)
    {
        var match = FirstNumber().Match(name);
        return
            match.Success
            && int.TryParse(match.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && $"{number}" == match.Value
            ? (name[..match.Index], number, name[(match.Index + match.Length)..])
            : (name, null, "");
    }

    private static string Numbers(List<int> numbers)
    {
        if (numbers.Count == 1)
        {
            return $"{numbers[0]}";
        }

        var ranges = new List<string>();
        for (var i = 0; i < numbers.Count; )
        {
            var end = i;
            while (end + 1 < numbers.Count && numbers[end + 1] == numbers[end] + 1)
            {
                end++;
            }

            ranges.Add(end == i ? $"{numbers[i]}" : $"{numbers[i]}-{numbers[end]}");
            i = end + 1;
        }

        return $"{{{string.Join(',', ranges)}}}";
    }

    [GeneratedRegex(@"(?<=\.)[0-9]+(?=\.)")]
    private static partial Regex FirstNumber();
}
