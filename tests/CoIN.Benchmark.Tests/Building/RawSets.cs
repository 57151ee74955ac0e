using CoIN.Benchmark.Data;
using CoIN.Benchmark.Tests.Support;
using Newtonsoft.Json;

namespace CoIN.Benchmark.Tests.Building;

/// <summary>The eight raw data sets in their real formats, a handful of entries each, below one folder.</summary>
internal static class RawSets
{
    public const int ImageNetClasses = 6;

    /// <summary>Writes all eight, each in the folder of its task.</summary>
    public static string Write(TemporaryFolder folder)
    {
        ScienceQa(folder);
        TextVqa(folder);
        ImageNet(folder);
        Gqa(folder);
        VizWiz(folder);
        Grounding(folder);
        VqaV2(folder);
        OcrVqa(folder);
        return folder.File("raw");
    }

    public static void ScienceQa(TemporaryFolder folder)
    {
        Json(
            folder,
            "ScienceQA/problems.json",
            new Dictionary<string, object>
            {
                ["1"] = new
                {
                    question = "Which is a mammal?",
                    choices = new[] { "shark", "bat" },
                    answer = 1,
                    hint = "",
                    image = "image.png",
                    task = "closed choice",
                    split = "train",
                },
                ["2"] = new
                {
                    question = "Which state is farthest north?",
                    choices = new[] { "Ohio", "Utah", "Iowa" },
                    answer = 0,
                    hint = "Look at the map.",
                    image = "image.png",
                    split = "train",
                },
                ["3"] = new
                {
                    question = "Is water wet?",
                    choices = new[] { "yes", "no" },
                    answer = 0,
                    hint = "",
                    image = (string?)null,
                    split = "train",
                },
                ["4"] = new
                {
                    question = "Which is metal?",
                    choices = new[] { "iron", "wood" },
                    answer = 0,
                    hint = "",
                    image = "image.png",
                    split = "test",
                },
                ["5"] = new
                {
                    question = "Not used.",
                    choices = new[] { "a", "b" },
                    answer = 0,
                    hint = "",
                    image = (string?)null,
                    split = "val",
                },
                ["6"] = new
                {
                    question = "What is warm?",
                    choices = new[] { "ice", "fire" },
                    answer = 1,
                    hint = "",
                    image = (string?)null,
                    split = "test",
                },
            }
        );
        Json(
            folder,
            "ScienceQA/pid_splits.json",
            new
            {
                train = new[] { "1", "2", "3" },
                val = new[] { "5" },
                test = new[] { "4", "6" },
                minitest = new[] { "4" },
            }
        );
    }

    public static void TextVqa(TemporaryFolder folder)
    {
        foreach (var (split, image) in new[] { ("train", "0054c91397f2fe05"), ("val", "003a8ae2ef43b901") })
        {
            var answers = new[] { "nokia", "nokia", "nokia", "nokia", "toshiba", "nokia", "nokia", "nokia", "the brand", "nokia" };
            Json(
                folder,
                $"TextVQA/TextVQA_0.5.1_{split}.json",
                new
                {
                    dataset_type = split,
                    dataset_name = "textvqa",
                    dataset_version = "0.5.1",
                    data = new object[]
                    {
                        new
                        {
                            question = "what is the brand of this camera?",
                            image_id = image,
                            image_classes = new[] { "Camera" },
                            image_width = 1024,
                            question_tokens = new[] { "what" },
                            question_id = split == "train" ? 0 : 34602,
                            answers,
                            set_name = split,
                        },
                        new
                        {
                            question = "what does it say?",
                            image_id = image,
                            question_id = split == "train" ? 1 : 34603,
                            answers = Enumerable.Repeat("dakota", 10),
                            set_name = split,
                        },
                    },
                }
            );
            Json(
                folder,
                $"TextVQA/TextVQA_Rosetta_OCR_v0.2_{split}.json",
                new
                {
                    dataset_name = "textvqa_rosetta",
                    data = new object[]
                    {
                        new
                        {
                            image_id = image,
                            ocr_tokens = new[] { "DAKOTA", "DIGITAL", "Single-Use" },
                            ocr_info = new[] { new { word = "DAKOTA" } },
                        },
                    },
                }
            );
        }
    }

    public static void ImageNet(TemporaryFolder folder)
    {
        string[] names = ["tench, Tinca tinca", "goldfish, Carassius auratus", "cock", "crane", "hen", "crane, lifting machine"];
        folder.Write("raw/ImageNet/LOC_synset_mapping.txt", string.Concat(names.Select((name, index) => $"n0144076{index} {name}\n")));
        for (var index = 0; index < ImageNetClasses; index++)
        {
            for (var image = 0; image < 3; image++)
            {
                folder.Write($"raw/ImageNet/train/n0144076{index}/n0144076{index}_{image}.JPEG", "");
            }

            folder.Write($"raw/ImageNet/val/n0144076{index}/ILSVRC2012_val_0000000{index}.JPEG", "");
        }
    }

    public static void Gqa(TemporaryFolder folder)
    {
        Json(
            folder,
            "GQA/train_balanced_questions.json",
            new Dictionary<string, object>
            {
                ["02930152"] = new
                {
                    semantic = new[] { new { operation = "select" } },
                    entailed = Array.Empty<string>(),
                    question = "Is the sky dark?",
                    imageId = "2354786",
                    isBalanced = true,
                    answer = "yes",
                    fullAnswer = "Yes, the sky is dark.",
                },
                ["07333408"] = new
                {
                    question = "What is on the wall?",
                    imageId = "2375429",
                    answer = "pipe",
                },
                ["07333405"] = new
                {
                    question = "Is the pipe red?",
                    imageId = "2375429",
                    answer = "no",
                },
            }
        );
        Json(
            folder,
            "GQA/testdev_balanced_questions.json",
            new Dictionary<string, object>
            {
                ["201307251"] = new
                {
                    question = "Is it overcast?",
                    imageId = "n161313",
                    answer = "no",
                },
                ["201640614"] = new
                {
                    question = "Who is wearing the dress?",
                    imageId = "n235859",
                    answer = "woman",
                },
            }
        );
    }

    public static void VizWiz(TemporaryFolder folder)
    {
        foreach (var split in new[] { "train", "val" })
        {
            Json(
                folder,
                $"VizWiz/{split}.json",
                new object[]
                {
                    new
                    {
                        image = $"VizWiz_{split}_00000000.jpg",
                        question = "What's the name of this product?",
                        answers = Ten("basil leaves", "basil"),
                        answer_type = "other",
                        answerable = 1,
                    },
                    new
                    {
                        image = $"VizWiz_{split}_00000001.jpg",
                        question = "Can you tell me what is in this can please?",
                        answers = Ten("unanswerable", "soda"),
                        answer_type = "unanswerable",
                        answerable = 0,
                    },
                }
            );
        }
    }

    public static void Grounding(TemporaryFolder folder)
    {
        foreach (
            var (set, file, test) in new[]
            {
                ("refcoco", "refs(unc).p", "testA"),
                ("refcoco+", "refs(unc).p", "testB"),
                ("refcocog", "refs(umd).p", "test"),
            }
        )
        {
            Refs(
                folder,
                set,
                file,
                [
                    Ref(0, 1719310, 581857, "train", "the lady with the blue shirt", "lady in back"),
                    Ref(1, 1719311, 581857, "train", "right man"),
                    Ref(2, 1719312, 581563, "train", "bowl"),
                    Ref(3, 1719313, 581921, test, "left cat", "cat"),
                    Ref(4, 1719314, 581282, "val", "dog"),
                ]
            );
            Json(
                folder,
                $"Grounding/{set}/instances.json",
                new
                {
                    info = new { version = "0.1" },
                    images = new[]
                    {
                        new
                        {
                            id = 581857,
                            file_name = "COCO_train2014_000000581857.jpg",
                            width = 640,
                            height = 480,
                        },
                        new
                        {
                            id = 581563,
                            file_name = "COCO_train2014_000000581563.jpg",
                            width = 300,
                            height = 400,
                        },
                        new
                        {
                            id = 581921,
                            file_name = "COCO_train2014_000000581921.jpg",
                            width = 640,
                            height = 427,
                        },
                        new
                        {
                            id = 581282,
                            file_name = "COCO_train2014_000000581282.jpg",
                            width = 500,
                            height = 500,
                        },
                    },
                    annotations = new[]
                    {
                        Box(1719310, 581857, 103.93, 299.99, 134.22, 177.42),
                        Box(1719311, 581857, 400, 100, 200.5, 300),
                        Box(1719312, 581563, 30, 40, 60, 80),
                        Box(1719313, 581921, 64, 106.75, 320, 213.5),
                        Box(1719314, 581282, 0, 0, 500, 500),
                    },
                    categories = new[] { new { id = 1, name = "person" } },
                }
            );
        }
    }

    public static void VqaV2(TemporaryFolder folder)
    {
        foreach (var (set, first) in new[] { ("train2014", 458752), ("val2014", 262148) })
        {
            var questions = new[]
            {
                new
                {
                    image_id = first,
                    question = "What is this photo taken looking through?",
                    question_id = first * 1000,
                },
                new
                {
                    image_id = first,
                    question = "What position is this man playing?",
                    question_id = (first * 1000) + 1,
                },
                new
                {
                    image_id = first + 7,
                    question = "Is he on the grass?",
                    question_id = (first + 7) * 1000,
                },
            };
            string[] answers = ["net", "pitcher", "yes"];
            Json(
                folder,
                $"VQAv2/v2_OpenEnded_mscoco_{set}_questions.json",
                new
                {
                    info = new { version = "2.0" },
                    task_type = "Open-Ended",
                    data_type = "mscoco",
                    data_subtype = set,
                    questions,
                }
            );
            Json(
                folder,
                $"VQAv2/v2_mscoco_{set}_annotations.json",
                new
                {
                    info = new { version = "2.0" },
                    annotations = questions.Select(
                        (question, index) =>
                            new
                            {
                                question_type = "what",
                                multiple_choice_answer = answers[index],
                                answers = Ten(answers[index], "ball"),
                                question.image_id,
                                answer_type = "other",
                                question.question_id,
                            }
                    ),
                    data_type = "mscoco",
                    data_subtype = set,
                }
            );
        }
    }

    public static void OcrVqa(TemporaryFolder folder) =>
        Json(
            folder,
            "OCRVQA/dataset.json",
            new Dictionary<string, object>
            {
                ["0761183272"] = Book(
                    "http://ecx.images-amazon.com/images/I/61Y5.jpg",
                    1,
                    ("Who wrote this book?", "Sandra Boynton"),
                    ("What is the genre of this book?", "Calendars")
                ),
                ["1449355730"] = Book("http://ecx.images-amazon.com/images/I/51.png", 1, ("What is the title of this book?", "RDF")),
                ["0000000002"] = Book("http://ecx.images-amazon.com/images/I/52.jpg", 2, ("Is this a comic?", "No")),
                ["0439893577"] = Book(
                    "http://ecx.images-amazon.com/images/I/53.jpg",
                    3,
                    ("Who wrote this book?", "Scholastic"),
                    ("Is this book related to Calendars?", "No")
                ),
            }
        );

    public static void Json(TemporaryFolder folder, string name, object value) =>
        folder.Write("raw/" + name, JsonConvert.SerializeObject(value));

    /// <summary>Writes a refs file of a data set of Grounding.</summary>
    public static void Refs(TemporaryFolder folder, string set, string file, IEnumerable<object> references)
    {
        folder.Write($"raw/Grounding/{set}/{file}", "");
        File.WriteAllBytes(folder.File($"raw/Grounding/{set}/{file}"), PickleText.Write(references));
    }

    /// <summary>A reference as RefCOCO pickles it.</summary>
    public static IReadOnlyDictionary<string, object> Ref(int id, int annotation, int image, string split, params string[] sentences) =>
        new Dictionary<string, object>
        {
            ["sent_ids"] = sentences.Select((_, index) => (object)((id * 10) + index)).ToList(),
            ["file_name"] = $"COCO_train2014_{image:D12}_{id}.jpg",
            ["ann_id"] = annotation,
            ["ref_id"] = id,
            ["image_id"] = image,
            ["split"] = split,
            ["sentences"] = sentences
                .Select(
                    (sentence, index) =>
                        (object)
                            new Dictionary<string, object>
                            {
                                ["tokens"] = sentence.Split(' ').ToList<object>(),
                                ["raw"] = sentence.ToUpperInvariant(),
                                ["sent_id"] = (id * 10) + index,
                                ["sent"] = sentence,
                            }
                )
                .ToList(),
            ["category_id"] = 1,
        };

    private static object Box(int id, int image, params double[] bbox) =>
        new
        {
            id,
            image_id = image,
            bbox,
            area = bbox[2] * bbox[3],
            category_id = 1,
            iscrowd = 0,
        };

    private static object[] Ten(string most, string other) =>
        [
            .. Enumerable
                .Range(1, 10)
                .Select(index =>
                    (object)
                        new
                        {
                            answer = index is 3 or 7 ? other : most,
                            answer_confidence = "yes",
                            answer_id = index,
                        }
                ),
        ];

    private static object Book(string address, int split, params (string Question, string Answer)[] turns) =>
        new
        {
            imageURL = address,
            questions = turns.Select(turn => turn.Question),
            answers = turns.Select(turn => turn.Answer),
            title = "T",
            authorName = "A",
            genre = "G",
            split,
        };
}
