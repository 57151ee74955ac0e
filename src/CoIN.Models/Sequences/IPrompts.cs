using CoIN.Benchmark;
using CoIN.Benchmark.Data;

namespace CoIN.Models.Sequences;

/// <summary>How samples become token ids, and ids text again: a model's tokenizer and conversation.</summary>
internal interface IPrompts
{
    /// <summary>The id that ends an answer.</summary>
    int EndOfSequence { get; }

    /// <summary>Whether a sample without a picture is shown an empty one (zeros in the place of normalized pixels).</summary>
    bool AlwaysPictured => false;

    /// <summary>Other ids that end an answer too.</summary>
    IReadOnlyCollection<int> FurtherEnds => [];

    /// <summary>Ids and labels of a training sample, pictures as <see cref="SequenceBatch.ImagePlaceholder"/>.</summary>
    /// <exception cref="CoinException">Its turns do not alternate, or it has more pictures than the model takes.</exception>
    TokenizedSample Training(TrainingSample sample);

    /// <summary>What is unusual about how a training sample is learned, as a clause behind its id; null for nothing.</summary>
    string? Remark(TrainingSample sample) => null;

    /// <summary>The text of a training sample.</summary>
    string TrainingPrompt(TrainingSample sample);

    /// <summary>Ids of a question, ready for its answer.</summary>
    /// <param name="pictures">How many it shows.</param>
    IReadOnlyList<int> Evaluation(string question, int pictures);

    /// <summary>
    /// Ids whose placeholders have the sizes of a sample's pictures (see <see cref="PicturePlace"/>), for models whose pictures keep their
    /// size.
    /// </summary>
    /// <param name="sample">Its id, for messages.</param>
    /// <param name="images">Paths of its pictures below the image root, in order.</param>
    /// <exception cref="CoinException">A picture is missing or cannot be read; the message names sample and file.</exception>
    IReadOnlyList<int> Placed(string sample, IReadOnlyList<int> ids, IReadOnlyList<string> images) => ids;

    /// <summary>The text of a question, ready for its answer.</summary>
    string EvaluationPrompt(string question, int pictures);

    /// <summary>The text of generated ids.</summary>
    string Decode(IEnumerable<int> ids);

    /// <summary>What one id stands for, for people.</summary>
    string TokenText(int id);
}
