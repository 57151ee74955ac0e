using CoIN.Benchmark.Judging.UserStudy;

namespace CoIN.Benchmark.Tests.Judging.UserStudy;

public sealed class AgreementTests
{
    [Fact]
    public void Judges_who_say_the_same_agree_wholly()
    {
        var agreement = Agreement.Of([(0, 0), (5, 5), (10, 10)]);
        Assert.Equal(
            (1.0, 1.0, 1.0, 1.0, 0.0),
            (
                Math.Round(agreement.Pearson!.Value, 12),
                Math.Round(agreement.Spearman!.Value, 12),
                agreement.Kappa!.Value,
                agreement.WeightedKappa!.Value,
                agreement.MeanDifference
            )
        );
    }

    [Fact]
    public void Opposite_judges_disagree_wholly()
    {
        var agreement = Agreement.Of([(0, 10), (10, 0)]);
        Assert.Equal(
            (-1.0, -1.0, -1.0, 10.0),
            (Math.Round(agreement.Pearson!.Value, 12), agreement.Kappa!.Value, agreement.WeightedKappa!.Value, agreement.MeanDifference)
        );
    }

    [Fact]
    public void Known_values_come_out()
    {
        // one: 1 2 2 4; other: 1 2 3 3. Deviations -1.25 -.25 -.25 1.75 and -1.25 -.25 .75 .75.
        var agreement = Agreement.Of([(1, 1), (2, 2), (2, 3), (4, 3)]);
        Assert.Equal(2.75 / Math.Sqrt(4.75 * 2.75), agreement.Pearson!.Value, 12);

        // Ranks 1 2.5 2.5 4 and 1 2 3.5 3.5: covariance 3.75, variances 4.5 and 4.5.
        Assert.Equal(3.75 / 4.5, agreement.Spearman!.Value, 12);

        // Agreement by chance: (1·1 + 2·1) / 16; observed 2/4.
        Assert.Equal(1 - ((1 - 0.5) / (1 - (3 / 16.0))), agreement.Kappa!.Value, 12);

        // Squared differences: observed 0 0 1 1; expected: all 16 pairings' mean 1.875, times 4 pairs.
        Assert.Equal(1 - (2 / (4 * 1.875)), agreement.WeightedKappa!.Value, 12);
        Assert.Equal(0.5, agreement.MeanDifference);
    }

    [Fact]
    public void Where_everybody_always_says_the_same_there_is_no_correlation() =>
        Assert.Equal(
            (null, null, null),
            (Agreement.Of([(5, 5), (5, 5)]).Pearson, Agreement.Of([(5, 3), (5, 4)]).Spearman, Agreement.Of([(5, 5), (5, 5)]).Kappa)
        );
}
