using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Checking;

/// <summary>What can be wrong with a sample that can be read, its image's file aside. May be used from several threads.</summary>
/// <param name="renderer">Shows samples as the model gets them; null where no model is at hand, then lengths are not checked.</param>
internal sealed class SampleRules(TaskOptions task, ISampleRenderer? renderer)
{
    private readonly ITruthAlignmentScorer scorer = Scorers.Of(task.Scorer);
    private readonly ITruthAlignmentScorer corrected = Scorers.Of(task.Scorer, ScoringKind.Corrected);
    private readonly bool boxes = BoxRules.ApplyTo(task);

    /// <summary>Whether only the whole test set shows what a reference answer scores: see <see cref="Truths"/>.</summary>
    public bool NeedsTestSet => scorer.NeedsTestSet;

    /// <summary>Scores the reference answers of a whole test set, where a sample's score depends on the others.</summary>
    /// <param name="samples">All samples that could be read, with all their reference answers.</param>
    /// <returns>Flaws by the places of their samples; place -1 for the test set as a whole.</returns>
    public IEnumerable<(int Place, Flaw Flaw)> Truths(IReadOnlyList<TestSample> samples)
    {
        ITruthAlignmentScorer rule;
        try
        {
            rule = scorer.For(samples);
        }
        catch (CoinException e)
        {
            return [(-1, new Flaw(FindingKind.UnscorableAnswer, e.Message))];
        }

        return samples
            .Select((sample, place) => (Place: place, Sample: sample))
            .AsParallel()
            .AsOrdered()
            .Where(one => rule.Score(one.Sample, one.Sample.Answer) == 0)
            .Select(one => (one.Place, Zero(one.Sample)));
    }

    /// <summary>Checks a training sample.</summary>
    /// <param name="learns">Whether something of it is learned, as far as that is known.</param>
    public List<Flaw> Check(TrainingSample sample, out bool learns)
    {
        var flaws = new List<Flaw>();
        Tags(sample, flaws);
        for (var i = 1; i < sample.Conversations.Count; i += 2)
        {
            var answer = sample.Conversations[i].Value;
            if (boxes)
            {
                flaws.AddRange(BoxRules.Check("the answer", answer));
            }
            else
            {
                Form(sample, sample.Conversations[i - 1].Value, answer, flaws);
            }
        }

        if (boxes && sample.UnpaddedBox is { } unpadded)
        {
            flaws.AddRange(BoxRules.Check("origin_answer_bbox", unpadded));
        }

        learns = true;
        if (View(() => renderer?.Render(sample), flaws) is { } view)
        {
            Length(view, flaws);
            learns = view.Learned > 0;
            if (!learns)
            {
                flaws.Add(
                    new Flaw(
                        FindingKind.NothingToLearn,
                        view.Length > view.Limit
                            ? $"the answer lies beyond the limit of {view.Limit} tokens"
                            : "the answer is masked as a whole, since its tokens do not add up to those of the conversation (an end-of-text or role mark in it?)"
                    )
                );
            }
        }

        return flaws;
    }

    /// <summary>Checks a test sample.</summary>
    /// <param name="tagged">Whether its text has an image tag in the file.</param>
    public List<Flaw> Check(TestSample sample, bool tagged)
    {
        var flaws = new List<Flaw>();
        if (tagged && sample.Image is null)
        {
            flaws.Add(new Flaw(FindingKind.TagWithoutImage, $"has {ImageTags.Tag} in its text and no image"));
        }

        if (boxes)
        {
            Boxes(sample, flaws);
        }

        if (!flaws.Exists(flaw => flaw.Kind == FindingKind.BadBox))
        {
            Truth(sample, flaws);
        }

        if (View(() => renderer?.Render(sample), flaws) is { } view)
        {
            Length(view, flaws);
        }

        return flaws;
    }

    /// <summary>A sample as the model gets it; that the model cannot take it is a flaw.</summary>
    private static SampleView? View(Func<SampleView?> render, List<Flaw> flaws)
    {
        try
        {
            return render();
        }
        catch (CoinException e)
        {
            flaws.Add(new Flaw(FindingKind.Unusable, e.Message));
            return null;
        }
    }

    private static void Tags(TrainingSample sample, List<Flaw> flaws)
    {
        if (sample.FurtherImages.Count > 0)
        {
            var (images, tags) = (sample.Images.Count, sample.Conversations.Sum(turn => ImageTags.Count(turn.Value)));
            if (tags != images)
            {
                flaws.Add(
                    new Flaw(
                        tags < images ? FindingKind.ImageWithoutTag : FindingKind.TagWithoutImage,
                        $"has {images} images and {ImageTags.Tag} {(tags == 1 ? "once" : $"{tags} times")} in its conversation"
                    )
                );
            }

            return;
        }

        var turns = ImageTags.Turns(sample);
        switch (sample.Image, turns)
        {
            case (null, > 0):
                flaws.Add(new Flaw(FindingKind.TagWithoutImage, $"has {ImageTags.Tag} in its conversation and no image"));
                break;
            case (not null, 0):
                flaws.Add(new Flaw(FindingKind.ImageWithoutTag, $"has an image and no {ImageTags.Tag} in its conversation"));
                break;
            case (not null, > 1):
                flaws.Add(new Flaw(FindingKind.SeveralTags, $"has {ImageTags.Tag} in {turns} turns and one image"));
                break;
        }
    }

    /// <summary>A training answer as if it were a test sample's: whether the scorer could read it.</summary>
    private void Form(TrainingSample sample, string question, string answer, List<Flaw> flaws)
    {
        if (scorer.NeedsTestSet)
        {
            return;
        }

        try
        {
            // Some rules need the answers of ten annotators; here they agree.
            _ = scorer.Score(
                new TestSample(sample.Id, sample.Image, question, answer) { Answers = [.. Enumerable.Repeat(answer, 10)] },
                answer
            );
        }
        catch (CoinException e)
        {
            flaws.Add(
                new Flaw(
                    FindingKind.OddAnswer,
                    $"the answer \"{Shortened(answer)}\" cannot be read by the scorer {scorer.Key}: {e.Message}"
                )
            );
        }
    }

    private void Truth(TestSample sample, List<Flaw> flaws)
    {
        if (scorer.NeedsTestSet)
        {
            return;
        }

        try
        {
            if (scorer.Score(sample, sample.Answer) == 0)
            {
                flaws.Add(Zero(sample));
            }

            // A run scores by both rules.
            _ = corrected.Score(sample, sample.Answer);
        }
        catch (CoinException e)
        {
            // The reason that the run would end with.
            flaws.Add(new Flaw(FindingKind.UnscorableAnswer, $"the scorer {scorer.Key} cannot use it: {e.Message}"));
        }
    }

    private Flaw Zero(TestSample sample) =>
        new(FindingKind.TruthScoresZero, $"the scorer {scorer.Key} gives 0 even to the reference answer \"{Shortened(sample.Answer)}\"");

    private static void Boxes(TestSample sample, List<Flaw> flaws)
    {
        flaws.AddRange(BoxRules.Check("the answer", sample.Answer));
        if (sample.UnpaddedBox is { } unpadded)
        {
            flaws.AddRange(BoxRules.Check("origin_answer_bbox", unpadded));
            if (flaws.Count == 0 && sample.Size is { } size)
            {
                flaws.AddRange(BoxRules.Compare(sample.Answer, unpadded, size));
            }
        }
    }

    private static void Length(SampleView view, List<Flaw> flaws)
    {
        if (view.Length > view.Limit)
        {
            flaws.Add(
                new Flaw(
                    FindingKind.PromptTooLong,
                    $"has {view.Length} tokens ({view.ImageTokens} of an image), {view.Length - view.Limit} beyond the limit of {view.Limit}"
                )
            );
        }
    }

    private static string Shortened(string text) => text.Length <= 60 ? text : text[..59] + "…";
}
