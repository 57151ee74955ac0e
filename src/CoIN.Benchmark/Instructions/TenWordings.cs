namespace CoIN.Benchmark.Instructions;

/// <summary>
/// The ten-type wordings. The first two of ImageNet's are the paper's (Table 15); all others are this project's own. The five tasks that
/// ask for a word or phrase share their ten, as they share the original wording.
/// </summary>
internal static class TenWordings
{
    private static readonly string[] ImageNet =
    [
        "Respond to the question with a single word or a short, descriptive phrase.",
        "Classify the image content using only one word or a brief phrase.",
        "Name the category of the pictured object in one word or a few words.",
        "Give the object's name as a single word or a short phrase.",
        "Say in one word or a brief phrase what the picture shows.",
        "Label the image with one word or a concise phrase.",
        "Identify the main object; use a single word or a short phrase.",
        "Tell the object's kind with no more than a word or a short phrase.",
        "Write only the name of the object, as a word or phrase.",
        "Use one word or a compact phrase to say which object this is.",
    ];

    private static readonly string[] ShortAnswer =
    [
        "Reply with a single word or a short phrase.",
        "Give your answer as one word or a brief phrase.",
        "Respond with only one word or phrase.",
        "Keep the answer to a single word or phrase.",
        "State the answer in one word or a few words.",
        "Write a word or a short phrase that answers the question.",
        "Your answer should be one word or a concise phrase.",
        "Use no more than a word or a brief phrase to answer.",
        "Express the answer as a single word or a compact phrase.",
        "Answer briefly, with one word or phrase.",
    ];

    private static readonly string[] Choice =
    [
        "Reply with the letter of the correct option only.",
        "Give just the letter of the right choice.",
        "Pick one of the choices and state its letter.",
        "Write the letter that stands before the correct answer.",
        "Respond directly with the letter of the option you choose.",
        "Which option is right? Answer with its letter.",
        "Select the best choice; give its letter and nothing else.",
        "State only the letter of the choice that answers the question.",
        "Decide between the options and give the letter of the correct one.",
        "Answer by naming the letter of the correct option.",
    ];

    private static readonly string[] Region =
    [
        $"Give the bounding box coordinates of the region described here: {TaskInstructions.Description}",
        $"Locate the following in the image and reply with its bounding box: {TaskInstructions.Description}",
        $"Which box encloses what this phrase describes? {TaskInstructions.Description}",
        $"State the coordinates of the box around: {TaskInstructions.Description}",
        $"Find the region that fits this description and give its box: {TaskInstructions.Description}",
        $"Reply with the bounding box of the object referred to as: {TaskInstructions.Description}",
        $"Mark the described region by its box coordinates: {TaskInstructions.Description}",
        $"Provide the box coordinates for this expression: {TaskInstructions.Description}",
        $"Where is it? Answer with a bounding box: {TaskInstructions.Description}",
        $"Point out the following with the corners of a bounding box: {TaskInstructions.Description}",
    ];

    public static IReadOnlyList<string> Of(string task) =>
        task switch
        {
            "ScienceQA" => Choice,
            "ImageNet" => ImageNet,
            "Grounding" => Region,
            "TextVQA" or "GQA" or "VizWiz" or "VQAv2" or "OCR-VQA" => ShortAnswer,
            _ => throw TaskInstructions.Unknown(task),
        };
}
