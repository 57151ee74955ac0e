using CoIN.Benchmark.Building;
using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Tests.Building;

public sealed class GroundingTests : IDisposable
{
    private readonly Built built = new();

    public GroundingTests() => RawSets.Grounding(built.Folder);

    public void Dispose() => built.Dispose();

    [Fact]
    public void Training_has_one_annotation_of_each_image_per_data_set()
    {
        var training = Built.Training(built.Build("Grounding"));

        Assert.Equal(6, training.Count);
        Assert.Equal(
            ["refcoco", "refcoco", "refcoco+", "refcoco+", "refcocog", "refcocog"],
            training.Select(sample => sample.Id.Split('-')[0])
        );
        Assert.Equal(
            "<image>\nPlease provide the bounding box coordinate of the region this sentence describes: bowl",
            training[1].Conversations[0].Value
        );
    }

    [Fact]
    public void Annotation_and_sentence_are_drawn_by_the_seed()
    {
        var drawn = Enumerable
            .Range(0, 30)
            .Select(seed =>
                Built.Training(built.Build("Grounding", new BuildOptions { Seed = seed }))[0].Conversations[0].Value.Split(": ")[1]
            )
            .Distinct()
            .Order();

        Assert.Equal(["lady in back", "right man", "the lady with the blue shirt"], drawn);
    }

    [Fact]
    public void The_test_has_every_sentence_of_the_test_splits_and_none_of_validation()
    {
        var test = Built.Test(built.Build("Grounding"));

        Assert.Equal(
            ["refcoco-3-30", "refcoco-3-31", "refcoco+-3-30", "refcoco+-3-31", "refcocog-3-30", "refcocog-3-31"],
            test.Select(sample => sample.QuestionId)
        );
        Assert.EndsWith(": left cat", test[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_box_is_given_in_the_padded_square_and_in_the_image_as_it_is()
    {
        var task = built.Build("Grounding");
        var first = Built.First(task, task.Test);

        // 640 × 427: 106 whole pixels of padding above; the box goes from (64, 106.75) to (384, 320.25).
        Assert.Equal("[0.1000, 0.3324, 0.6000, 0.6660]", (string)first["answer_bbox"]!);
        Assert.Equal("[0.1000, 0.2500, 0.6000, 0.7500]", (string)first["origin_answer_bbox"]!);
        Assert.Equal([640, 427], first["size"]!.Select(number => (int)number));
        Assert.Equal("./COCO2014/train2014/COCO_train2014_000000581921.jpg", (string)first["image"]!);
    }

    [Fact]
    public void A_learned_box_is_padded_and_has_two_decimals() =>
        // 300 × 400: 50 pixels of padding at the left; (30 + 50) / 400, 40 / 400, (90 + 50) / 400, 120 / 400.
        Assert.Equal("[0.20, 0.10, 0.35, 0.30]", Built.Training(built.Build("Grounding"))[1].Conversations[1].Value);

    [Fact]
    public void Training_images_that_another_data_set_tests_on_are_left_out_unless_they_are_wanted()
    {
        RawSets.Refs(
            built.Folder,
            "refcocog",
            "refs(umd).p",
            [RawSets.Ref(7, 1719312, 581563, "test", "bowl"), RawSets.Ref(8, 1719310, 581857, "train", "woman")]
        );

        var careful = built.Build("Grounding");
        Assert.DoesNotContain(Built.Training(careful), sample => sample.Image!.Contains("581563", StringComparison.Ordinal));
        Assert.Equal([new Dropped("its image is in the test set too", 2, "refcoco-2-20")], careful.Training.Dropped);

        var all = built.Build("Grounding", new BuildOptions { KeepSharedImages = true });
        Assert.Equal((careful.Training.Samples + 2, 0), (all.Training.Samples, all.Training.Dropped.Count));
    }

    [Fact]
    public void A_box_without_area_in_the_image_is_left_out_and_counted()
    {
        RawSets.Json(
            built.Folder,
            "Grounding/refcocog/instances.json",
            new
            {
                images = new[]
                {
                    new
                    {
                        id = 1,
                        file_name = "a.jpg",
                        width = 10,
                        height = 10,
                    },
                },
                annotations = new[]
                {
                    new
                    {
                        id = 1,
                        image_id = 1,
                        bbox = new[] { 10, 2, 5, 5 },
                    },
                    new
                    {
                        id = 2,
                        image_id = 1,
                        bbox = new[] { 8, 2, 5, 5 },
                    },
                },
            }
        );
        RawSets.Refs(
            built.Folder,
            "refcocog",
            "refs(umd).p",
            [RawSets.Ref(7, 1, 1, "test", "out"), RawSets.Ref(8, 2, 1, "test", "half out")]
        );
        var task = built.Build("Grounding");

        Assert.Equal([new Dropped("its box has no area within the image", 1, "refcocog-7")], task.Test.Dropped);
        Assert.Equal("[0.8000, 0.2000, 1.0000, 0.7000]", Built.Test(task)[^1].UnpaddedBox);
    }

    [Theory]
    [InlineData("walk", 1719310, 581857, "reference 7: it has the split walk; there are train, val, test, testA, testB")]
    [InlineData("test", 99, 581857, "reference 7: it is about annotation 99, which")]
    [InlineData("test", 1719312, 581857, "reference 7: it is about image 581857, but its annotation 1719312")]
    public void A_reference_that_does_not_fit_is_named(string split, int annotation, int image, string expected)
    {
        RawSets.Refs(built.Folder, "refcocog", "refs(umd).p", [RawSets.Ref(7, annotation, image, split, "x")]);

        Assert.Contains(expected, built.FaultOf("Grounding"));
    }

    [Fact]
    public void A_refs_file_that_wants_to_run_something_is_refused()
    {
        File.WriteAllBytes(built.Folder.File("raw/Grounding/refcocog/refs(umd).p"), [0x80, 2, .. "cos\nsystem\nX\u0002\0\0\0ls\u0085R."u8]);

        Assert.Contains("os.system", built.FaultOf("Grounding"));
    }
}
