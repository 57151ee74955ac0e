namespace CoIN.Benchmark.Instructions;

/// <summary>The diverse type: every task is asked in words that no other task shares. This project's own wording.</summary>
internal static class DiverseWordings
{
    public static string Of(string task) =>
        task switch
        {
            "ScienceQA" => "Choose the correct option and reply with nothing but its letter",
            "TextVQA" => "Read the text in the picture and reply with the word or phrase that was asked for",
            "ImageNet" => "Name the object's category in one word or a short phrase",
            "GQA" => "Look at how the things in the scene relate to each other, then give your answer in a single word or short phrase",
            "VizWiz" =>
                "Help somebody who cannot see the picture: say the answer in one word or phrase, or unanswerable if the picture does not tell",
            "Grounding" => $"Where in the picture is this: {TaskInstructions.Description}? Give the corners of its bounding box",
            "VQAv2" => "Give a brief reply of one word or phrase",
            "OCR-VQA" => "Find the answer on the book's cover and write it down as a word or phrase",
            _ => throw TaskInstructions.Unknown(task),
        };
}
