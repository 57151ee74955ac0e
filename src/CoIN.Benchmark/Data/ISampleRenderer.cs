namespace CoIN.Benchmark.Data;

/// <summary>One token of a sample as the model gets it.</summary>
/// <param name="Id">Its id; meaningless for an image.</param>
/// <param name="Piece">The vocabulary's text for it.</param>
/// <param name="IsImage">Stands for all the tokens of an image.</param>
/// <param name="IsLearned">Its label is its id; other tokens are masked.</param>
/// <param name="IsCut">Lies beyond the length limit and never reaches the model.</param>
/// <param name="Positions">Of an image: the tokens that it becomes.</param>
public readonly record struct TokenView(int Id, string Piece, bool IsImage, bool IsLearned, bool IsCut, int Positions = 1);

/// <summary>A sample as the model gets it.</summary>
/// <param name="Prompt">The text after the conversation template, with <c>&lt;image&gt;</c> where the image stands.</param>
/// <param name="Tokens">All tokens, those that are cut too.</param>
/// <param name="Limit">Most tokens that this sample may have.</param>
public sealed record SampleView(string Prompt, IReadOnlyList<TokenView> Tokens, int Limit)
{
    /// <summary>Images in the sample.</summary>
    public int Images => Tokens.Count(token => token.IsImage);

    /// <summary>Tokens with those of the images.</summary>
    public int Length => Tokens.Sum(token => token.Positions);

    /// <summary>Tokens of all images.</summary>
    public int ImageTokens => Tokens.Where(token => token.IsImage).Sum(token => token.Positions);

    /// <summary>Tokens that are learned and reach the model.</summary>
    public int Learned => Tokens.Count(token => token is { IsLearned: true, IsCut: false });
}

/// <summary>An image as it was prepared for the vision tower.</summary>
/// <param name="Width">Of the file, in pixels.</param>
/// <param name="Height">Of the file, in pixels.</param>
/// <param name="SeenWidth">Of what the model gets.</param>
/// <param name="SeenHeight">Of what the model gets.</param>
public sealed record PictureView(int Width, int Height, int SeenWidth, int SeenHeight);

/// <summary>Shows samples as a model gets them, without its weights. May be called from several threads.</summary>
public interface ISampleRenderer
{
    /// <summary>A training sample with its labels.</summary>
    SampleView Render(TrainingSample sample);

    /// <summary>A test sample, ready for its answer: nothing is learned.</summary>
    SampleView Render(TestSample sample);

    /// <summary>Writes what the vision tower gets of an image, turned back into colours, as a PNG file.</summary>
    /// <param name="image">Path below the image root.</param>
    /// <param name="path">The file to write; one that is there is replaced.</param>
    /// <exception cref="CoinException">The image cannot be decoded, or the file cannot be written.</exception>
    PictureView SavePicture(string image, string path);
}
