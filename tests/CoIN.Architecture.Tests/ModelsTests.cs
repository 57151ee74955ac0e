namespace CoIN.Architecture.Tests;

/// <summary>The order of the folders of <c>src/CoIN.Models</c>: each uses those above it and no others.</summary>
public sealed class ModelsTests
{
    private const string Families = "Families";

    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Torch"] = [],
        ["Boards"] = [],
        ["Checkpoints"] = ["Torch"],
        ["Settings"] = ["Checkpoints"],
        ["Tokenization"] = ["Checkpoints", "Settings"],
        ["Imaging"] = ["Torch", "Settings"],

        // Models as libtorch computes them, and what goes in.
        ["Modules"] = ["Torch", "Checkpoints"],
        ["Sequences"] = ["Torch", "Tokenization", "Modules"],
        ["Adapters"] = ["Torch", "Checkpoints", "Settings", "Modules"],

        // What a backend does, the two that there are, and the choice between them.
        ["Computing"] = ["Torch", "Modules", "Sequences", "Adapters"],
        ["Libtorch"] = ["Torch", "Modules", "Sequences", "Adapters", "Computing"],
        ["Cpu"] = ["Torch", "Checkpoints", "Modules", "Sequences", "Adapters", "Computing"],
        ["Backends"] = ["Computing", "Libtorch", "Cpu"],

        // Sessions know no family and no backend.
        ["Generation"] = ["Torch", "Imaging", "Sequences", "Adapters", "Computing"],
        ["Methods"] = ["Torch", "Checkpoints", "Adapters", "Computing"],
        ["Training"] = ["Torch", "Imaging", "Checkpoints", "Sequences", "Adapters", "Computing", "Methods"],
        ["Families"] =
        [
            "Torch",
            "Tokenization",
            "Imaging",
            "Checkpoints",
            "Modules",
            "Settings",
            "Sequences",
            "Adapters",
            "Computing",
            "Backends",
            "Generation",
        ],

        // What the program sees.
        ["Learning"] = ["Torch", "Checkpoints", "Imaging", "Sequences", "Generation", "Methods", "Training", "Families"],
        ["Planning"] =
        [
            "Torch",
            "Checkpoints",
            "Modules",
            "Sequences",
            "Adapters",
            "Computing",
            "Libtorch",
            "Cpu",
            "Backends",
            "Methods",
            "Training",
            "Families",
        ],
        ["Inspection"] = ["Torch", "Checkpoints", "Settings", "Sequences", "Adapters", "Computing", "Methods", "Families"],
        ["Devices"] = ["Torch", "Checkpoints", "Modules", "Adapters", "Cpu", "Training"],
    };

    private static readonly IReadOnlyList<SourceArrows.Source> Sources = SourceArrows.Read("CoIN.Models");

    [Fact]
    public void Every_file_has_the_namespace_of_its_folder() =>
        Assert.All(Sources.Where(source => !IsStartupHook(source)), source =>
            Assert.Equal($"CoIN.Models.{string.Join('.', source.Path.Split('/')[..^1])}", source.Namespace)
        );

    /// <summary>.NET looks for it without a namespace.</summary>
    private static bool IsStartupHook(SourceArrows.Source source) => source.Path == "Devices/StartupHook.cs";

    [Fact]
    public void No_folder_uses_another_that_it_may_not() => Assert.Equal("", string.Join('\n', SourceArrows.Forbidden(Sources, Allowed)));

    [Fact]
    public void No_folder_uses_itself_by_a_way_around() => Assert.Null(SourceArrows.Cycle(Allowed));

    [Fact]
    public void Families_know_no_other_and_only_their_register_knows_them() =>
        Assert.Equal("", string.Join('\n', SourceArrows.Acquainted(Sources, Families, "Families/ModelFamilies.cs")));

    [Fact]
    public void A_forbidden_use_is_found()
    {
        var source = new SourceArrows.Source(
            "CoIN.Models",
            "Modules/A.cs",
            "using CoIN.Models.Torch;\nusing static CoIN.Models.Cpu.Kernels.B;\n\nnamespace CoIN.Models.Modules;\n"
        );
        Assert.Equal("CoIN.Models.Modules", source.Namespace);
        Assert.Equal(["Modules/A.cs: Modules must not use Cpu"], SourceArrows.Forbidden([source], Allowed));
        Assert.Equal(
            ["New/A.cs: the folder New is not in the table"],
            SourceArrows.Forbidden([source with { Path = "New/A.cs", Text = "using CoIN.Models.Torch;" }], Allowed)
        );
    }

    [Fact]
    public void A_way_around_is_found()
    {
        Dictionary<string, string[]> arrows = new()
        {
            ["a"] = ["b"],
            ["b"] = ["c", "d"],
            ["c"] = [],
            ["d"] = ["b"],
        };
        Assert.Equal("b uses d uses b", SourceArrows.Cycle(arrows));
    }

    [Fact]
    public void Neighbours_that_know_one_another_are_found()
    {
        SourceArrows.Source Using(string path, string used) => new("CoIN.Models", path, $"using CoIN.Models.{used};");
        Assert.Equal(
            ["Families/One/A.cs must not know Families.Two", "Learning/B.cs must not know Families.One"],
            SourceArrows.Acquainted(
                [
                    Using("Families/One/A.cs", "Families.Two"),
                    Using("Families/One/C.cs", "Families"),
                    Using("Families/One/D.cs", "Families.One.Inner"),
                    Using("Learning/B.cs", "Families.One"),
                    Using("Families/ModelFamilies.cs", "Families.Two"),
                ],
                Families,
                "Families/ModelFamilies.cs"
            )
        );
    }
}
