using CoIN.Benchmark;
using CoIN.Cli.Tests.Support;

namespace CoIN.Configuration.Tests;

public sealed class ValidationTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string[] complete;

    public ValidationTests() => complete = folder.Complete();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void An_unknown_key_is_an_error_that_names_the_nearest_key_and_the_file()
    {
        var message = FaultOf("coin.training.learning-rat = 1");

        Assert.Contains("unknown key coin.training.learning-rat ", message);
        Assert.Contains("nearest known key is coin.training.learning-rate", message);
        Assert.Contains(folder.PathOf("a.hocon"), message);
    }

    [Theory]
    [InlineData("akka.loglevel = DEBUG", "unknown key akka")]
    [InlineData("coin.lorra.rank = 1", "nearest known key is coin.lora")]
    [InlineData("coin.tasks.GQA.scorrer = gqa", "nearest known key is coin.tasks.GQA.scorer")]
    [InlineData("coin = 3", "coin is not a section")]
    [InlineData("coin.lora = 3", "coin.lora is '3'")]
    [InlineData("coin.lora.rank = many", "coin.lora.rank is 'many'")]
    [InlineData("coin.priority = 1001", "coin.priority is 1001")]
    [InlineData("coin.lora.rank = 1.5", "expected a whole number")]
    [InlineData("coin.lora.rank = [1]", "expected a single value")]
    [InlineData("coin.lora.rank = null", "coin.lora.rank is not set")]
    [InlineData("coin.lora.alpha = NaN", "expected a number")]
    [InlineData("coin.lora.train-projector = maybe", "expected true or false")]
    [InlineData("coin { method = moelora, moelora.experts = 3, lora.rank = 16 }", "it must be a divisor of coin.lora.rank, 16")]
    [InlineData("coin { method = moelora, moelora.experts = 0 }", "coin.moelora.experts is 0")]
    [InlineData("coin.method = ewcc", "expected sequential-lora or zero-shot")]
    [InlineData("coin.ewc.lambda = -1", "coin.ewc.lambda is -1")]
    [InlineData("coin.lora.targets { a = 1 }", "coin.lora.targets is")]
    [InlineData("coin.o-lora.lambda1 = -0.5", "coin.o-lora.lambda1 is -0.5")]
    [InlineData("coin.o-lora.lambda2 = -1", "coin.o-lora.lambda2 is -1")]
    [InlineData("coin.reg-lora.lambda = -1", "coin.reg-lora.lambda is -1")]
    [InlineData("coin.reg-lora.key-elements = 0", "coin.reg-lora.key-elements is 0")]
    [InlineData("coin.reg-lora.key-elements = 2", "coin.reg-lora.key-elements is 2")]
    [InlineData("coin.ewc.gamma = 0", "coin.ewc.gamma is 0")]
    [InlineData("coin.ewc.samples = 0", "coin.ewc.samples is 0")]
    [InlineData("coin.ewc.mode = both", "expected sum or online")]
    [InlineData("coin.ewc.state-dtype = float16", "float32")]
    [InlineData("coin.lwf.lambda = -0.1", "coin.lwf.lambda is -0.1")]
    [InlineData("coin.lwf.temperature = 0", "coin.lwf.temperature is 0")]
    [InlineData("coin.lwf.teacher = old", "expected saved or new-task")]
    [InlineData("coin.lwf.per-step = 0", "coin.lwf.per-step is 0")]
    [InlineData("coin.lwf.top-k = -1", "coin.lwf.top-k is -1")]
    [InlineData("coin.replay.samples = 0", "coin.replay.samples is 0")]
    [InlineData("coin.ema.decay = 1", "coin.ema.decay is 1")]
    [InlineData("coin.ema.decay = 0", "coin.ema.decay is 0")]
    [InlineData("coin.training.schedule = linear", "expected cosine or constant")]
    [InlineData("coin.data.test-subset = last", "expected first or seeded")]
    [InlineData("coin.data.instruction-type = ten", "expected original or diverse or ten-type")]
    [InlineData("coin.node.roles { a = 1 }", "expected a list")]
    [InlineData("coin.watch.otlp = localhost", "coin.watch.otlp is 'localhost'")]
    [InlineData("coin.watch.otlp = \"http://localhost:4318/v1/metrics\"", "without a path")]
    [InlineData("coin.watch.prometheus-port = 70000", "coin.watch.prometheus-port is 70000")]
    [InlineData("coin.watch.prometheus-address = everybody", "it must be an address of this computer")]
    public void A_wrong_key_or_type_is_named_with_what_was_expected(string text, string expected) =>
        Assert.Contains(expected, FaultOf(text));

    /// <summary>That its keys are missing then is not told beside it.</summary>
    [Theory]
    [InlineData(
        "judge=null",
        "coin.judge is null (in --set judge=null); expected a section { … }. Its keys are set one by one, for example judge.kind = none."
    )]
    [InlineData(
        "training=fast",
        "coin.training is 'fast' (in --set training=fast); expected a section { … }. Its keys are set one by one, for example training."
    )]
    [InlineData(
        "watch=[a]",
        "coin.watch is a list (in --set watch=[a]); expected a section { … }. Its keys are set one by one, for example watch.tensorboard = false."
    )]
    public void A_section_that_is_written_as_something_else_is_one_problem_with_a_way_out(string set, string expected)
    {
        var fault = Assert.Throws<CoinException>(() => ConfigurationLoader.Load([], [.. complete, set], folder.Path));
        Assert.Contains(expected, fault.Message);
        Assert.Single(fault.Message.Split('\n'), line => line.Contains("coin.", StringComparison.Ordinal));
    }

    [Fact]
    public void Targets_of_LoRA_that_are_none_are_refused() =>
        Assert.Contains(
            "coin.lora.targets is an empty list",
            Fault([], [.. folder.Complete(), "lora.targets=[]"]),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("coin.model { path = model, language = x, projector = x }", "coin.model.language is set")]
    [InlineData("coin.model { language = x, projector = x }", "coin.model.vision-tower is not set")]
    [InlineData("coin.model { language = x, vision-tower = y }", "coin.model.projector is not set")]
    [InlineData("coin.model.path = null", "coin.model.path is not set")]
    [InlineData("coin.model { language = none, vision-tower = model, projector = none.bin }", "coin.model.language: the folder")]
    [InlineData("coin.model { language = model, vision-tower = model, projector = none.bin }", "coin.model.projector: the file")]
    [InlineData("coin { model.path = model, lora.from = model }", "coin.lora.from:")]
    public void A_model_is_one_folder_or_three_parts_that_are_there(string text, string expected)
    {
        folder.Write("a.hocon", text);

        Assert.Contains(
            expected,
            Fault(["a.hocon"], [.. complete.Where(setting => !setting.StartsWith("model.", StringComparison.Ordinal))])
        );
    }

    [Fact]
    public void A_model_of_three_parts_is_valid()
    {
        folder.Write("mm_projector.bin", "");
        var loaded = ConfigurationLoader.Load(
            [],
            [.. complete, "model.path=null", "model.language=model", "model.vision-tower=model", "model.projector=mm_projector.bin"],
            folder.Path
        );

        Assert.Equal("", loaded.Options.Model.Path);
        Assert.Equal(folder.PathOf("mm_projector.bin"), loaded.Options.Model.Projector);
        Assert.Equal(folder.PathOf("model"), loaded.Options.Model.Name());
    }

    [Theory]
    [InlineData("lora.rank=0", "coin.lora.rank is 0")]
    [InlineData("lora.rank=-1", "coin.lora.rank is -1")]
    [InlineData("lora.rank=2000000000", "between 1 and 65536")]
    [InlineData("lora.rank=99999999999", "expected a whole number from -2147483648 to 2147483647.")]
    [InlineData("lora.alpha=1e300", "at most 1000000")]
    [InlineData("lora.alpha=1,5", "expected a number such as 0.5")]
    [InlineData("training.learning-rate=0", "coin.training.learning-rate is 0")]
    [InlineData("training.learning-rate=NaN", "expected a number")]
    [InlineData("training.learning-rate=Infinity", "expected a number")]
    [InlineData("training.learning-rate=2e4", "at most 1000")]
    [InlineData("training.projector-learning-rate=1e9", "0 to 1000")]
    [InlineData("training.weight-decay=1e9", "0 to 1000")]
    [InlineData("training.epsilon=2", "at most 1")]
    [InlineData("training.epochs=1e300", "at most 1000")]
    [InlineData("training.gradient-accumulation=2000000000", "no more than 1000000 samples")]
    [InlineData("judge.timeout=1e30", "at most 86400")]
    [InlineData("judge.retry-delay=1e30", "0 to 86400")]
    [InlineData("order=alpabetical", "nearest known order is alphabetical")]
    [InlineData("order=defaul", "nearest known order is default")]
    [InlineData("order=GQA,alpabetical", "nearest known task is")]
    [InlineData("order=[GQA", "one of them is missing")]
    [InlineData("order=[GQA,[VQAv2]]", "names and numbers only")]
    [InlineData("lora={rank=1}", "Set its keys one by one")]
    [InlineData("name=\"a", "has no partner")]
    [InlineData("data.volume=0", "coin.data.volume is 0")]
    [InlineData("data.volume=1.5", "coin.data.volume is 1.5")]
    [InlineData("lora.alpha=0", "coin.lora.alpha is 0")]
    [InlineData("lora.dropout=1", "coin.lora.dropout is 1")]
    [InlineData("lora.dropout=-0.1", "coin.lora.dropout is -0.1")]
    [InlineData("training.learning-rate=-1e-4", "coin.training.learning-rate is -0.0001")]
    [InlineData("training.projector-learning-rate=-1", "coin.training.projector-learning-rate is -1")]
    [InlineData("training.min-lr=-1", "coin.training.min-lr is -1")]
    [InlineData("training.min-lr=1", "at most training.learning-rate")]
    [InlineData("training.loss=mean", "micro-batch-mean")]
    [InlineData("training.warmup-ratio=1.1", "coin.training.warmup-ratio is 1.1")]
    [InlineData("training.weight-decay=-1", "coin.training.weight-decay")]
    [InlineData("training.beta1=1", "coin.training.beta1")]
    [InlineData("training.beta2=1", "coin.training.beta2")]
    [InlineData("training.epsilon=0", "coin.training.epsilon")]
    [InlineData("training.max-grad-norm=-1", "coin.training.max-grad-norm")]
    [InlineData("training.batch-size=0", "coin.training.batch-size is 0")]
    [InlineData("training.gradient-accumulation=0", "coin.training.gradient-accumulation")]
    [InlineData("training.world-size=0", "coin.training.world-size is 0")]
    [InlineData("training.world-size=1000", "at most training.gradient-accumulation")]
    [InlineData("training.on-lost-trainer=stop", "coin.training.on-lost-trainer")]
    [InlineData("training.epochs=0", "coin.training.epochs")]
    [InlineData("training.max-steps=-1", "coin.training.max-steps")]
    [InlineData("training.checkpoint-every=-1", "coin.training.checkpoint-every")]
    [InlineData("tasks.GQA.batch-size=0", "coin.tasks.GQA.batch-size")]
    [InlineData("tasks.GQA.gradient-accumulation=0", "coin.tasks.GQA.gradient-accumulation is 0")]
    [InlineData("tasks.GQA.gradient-accumulation=2000000", "no more than 1000000 samples")]
    [InlineData("tasks.GQA.batch-size=2000000", "coin.tasks.GQA.batch-size is 2000000")]
    [InlineData("tasks.GQA.max-new-tokens=0", "coin.tasks.GQA.max-new-tokens")]
    [InlineData("data.max-train-samples=-1", "coin.data.max-train-samples")]
    [InlineData("data.max-test-samples=-1", "coin.data.max-test-samples")]
    [InlineData("evaluation.batch-size=0", "coin.evaluation.batch-size")]
    [InlineData("evaluation.shard-size=0", "coin.evaluation.shard-size")]
    [InlineData("model.dtype=int8", "float32, bfloat16 or float16")]
    [InlineData("model.max-length=0", "coin.model.max-length")]
    [InlineData("name=../x", "It becomes part of a folder's name")]
    [InlineData("order=GQA,GQA", "names the task GQA 2 times")]
    [InlineData("order=GQQA", "nearest known task is GQA")]
    [InlineData("order=[]", "coin.order is empty")]
    [InlineData("node.devices=gpu", "cpu or cuda:<number>")]
    [InlineData("node.devices=cpu,cpu", "without repetitions")]
    [InlineData("node.devices=[]", "coin.node.devices is empty")]
    [InlineData("node.trainer-threads=-1", "coin.node.trainer-threads")]
    [InlineData("node.evaluators-per-device=0", "coin.node.evaluators-per-device")]
    [InlineData("node.evaluator-threads=-1", "coin.node.evaluator-threads")]
    [InlineData("node.port=70000", "coin.node.port")]
    [InlineData("node.seed-nodes=a", "host:port")]
    [InlineData("node.roles=referee", "supervisor, trainer, evaluator, judge")]
    [InlineData("node.log-level=loud", "debug or info or warning or error")]
    public void A_value_that_cannot_be_is_named(string setting, string expected) =>
        Assert.Contains(expected, Fault([], [.. complete, setting]));

    [Fact]
    public void A_tasks_own_accumulation_has_a_micro_batch_for_each_share_of_a_step() =>
        Assert.Contains(
            "at least training.world-size (4)",
            Fault([], [.. complete, "training.gradient-accumulation=4", "training.world-size=4", "tasks.GQA.gradient-accumulation=2"])
        );

    [Fact]
    public void A_floor_of_a_schedule_that_does_not_fall_is_refused() =>
        Assert.Contains(
            "a constant schedule does not fall",
            Fault([], [.. complete, "training.min-lr=1e-9", "training.schedule=constant"])
        );

    [Theory]
    [InlineData("judge.api-key-env=sk-s3cret", "coin.judge.api-key-env is no name of an environment variable")]
    [InlineData("judge.api-key-env=0s3cret", "coin.judge.api-key-env is no name of an environment variable")]
    [InlineData("judge.endpoint=\"http://me:s3cret@example.org/v1\"", "coin.judge.endpoint holds a user, a password or a query")]
    [InlineData("judge.endpoint=\"http://example.org/v1?key=s3cret\"", "coin.judge.endpoint holds a user, a password or a query")]
    public void A_secret_in_the_configuration_is_refused_and_not_repeated(string setting, string expected)
    {
        var fault = Fault([], [.. complete, "judge.kind=openai", "judge.model=m", "judge.endpoint=\"http://example.org/v1\"", setting]);
        Assert.Contains(expected, fault);
        Assert.DoesNotContain("s3cret", fault);
    }

    [Fact]
    public void A_folder_in_the_place_of_a_file_is_called_so_and_a_file_in_the_place_of_a_folder()
    {
        Directory.CreateDirectory(folder.PathOf("data", "GQA", "tests.json"));
        folder.Write("file", "");

        Assert.Contains(
            "data: it is a folder, but a file is expected here. Name a HOCON file.".Replace(
                "data:",
                folder.PathOf("data") + " cannot be read:"
            ),
            Fault(["data"])
        );
        Assert.Contains("tests.json is a folder, not a file", Fault([], [.. complete, "tasks.GQA.test-file=tests.json"]));
        Assert.Contains($"{folder.PathOf("file")} is a file, not a folder", Fault([], [.. complete, "data.images=file"]));
    }

    [Fact]
    public void A_configuration_that_is_not_UTF8_is_refused_with_its_line()
    {
        File.WriteAllBytes(folder.PathOf("a.hocon"), [.. "coin.seed = 1\ncoin.name = caf"u8, 0xE9]);

        Assert.Contains("a.hocon, line 2, byte 30 of the file (0xE9): the file is not UTF-8 text", Fault(["a.hocon"], complete));
    }

    [Fact]
    public void Byte_order_mark_CRLF_and_tabs_do_no_harm()
    {
        folder.Write("a.hocon", "\uFEFFcoin {\r\n\tlora {\r\n\t\trank\t=\t8\r\n\t}\r\n}\r\n");

        Assert.Equal(8, ConfigurationLoader.Load(["a.hocon"], complete, folder.Path).Options.Lora.Rank);
    }

    [Fact]
    public void All_problems_are_listed_at_once()
    {
        var message = Fault([], [.. complete, "lora.rank=0", "lora.alpha=x", "order=Nope", "evaluation.shard-sise=4"]);

        Assert.Contains("has 4 problems", message);
        Assert.All(["coin.lora.rank", "coin.lora.alpha", "Nope", "shard-sise"], part => Assert.Contains(part, message));
    }

    [Fact]
    public void Paths_that_are_not_set_are_named_with_an_example()
    {
        var message = Fault([]);

        Assert.Contains("coin.data.instructions is not set", message);
        Assert.Contains("--set model.path=", message);
        Assert.Contains("coin.data.images is not set", message);
    }

    [Fact]
    public void Missing_folders_are_named_with_their_keys()
    {
        var message = Fault([], "data.instructions=no1", "data.images=no2", "model.path=no3");

        Assert.Contains($"coin.data.instructions: the folder {folder.PathOf("no1")} does not exist", message);
        Assert.Contains($"coin.data.images: the folder {folder.PathOf("no2")} does not exist", message);
        Assert.Contains($"coin.model.path: the folder {folder.PathOf("no3")} does not exist", message);
    }

    [Theory]
    [InlineData("mini-qwen-vl", "Make it with ./run.sh mini pretrain --family qwen-vl --out ")]
    [InlineData("other", "Make it with ./run.sh mini pretrain --out ")]
    public void A_miniature_s_model_is_made_and_not_downloaded(string name, string remedy)
    {
        var missing = folder.PathOf(name);
        Assert.Contains(
            $"{missing} does not exist. {remedy}{missing} or correct",
            Fault([], [.. complete, "data.prepare=mini", $"model.path={name}"])
        );
        Assert.Contains("Download the model into it", Fault([], [.. complete, $"model.path={name}"]));
    }

    [Fact]
    public void Files_are_looked_for_where_this_host_has_them_and_options_stay_as_they_are_written()
    {
        Directory.CreateDirectory(folder.PathOf("mnt"));
        string[] elsewhere = [.. complete, "model.path=\"/far/model\"", $"node.paths=[\"/far = {folder.PathOf("mnt")}\"]"];
        Assert.Contains($"coin.model.path: the folder {folder.PathOf("mnt", "model")} does not exist", Fault([], elsewhere));
        Directory.Move(folder.PathOf("model"), folder.PathOf("mnt", "model"));
        var loaded = ConfigurationLoader.Load([], elsewhere, folder.Path);
        Assert.Equal(("/far/model", folder.PathOf("mnt", "model")), (loaded.Options.Model.Path, loaded.Here.Model.Path));
        Assert.Contains("model/far", Fault([], [.. elsewhere, "node.paths=[\"model/far\"]"]));
    }

    [Fact]
    public void Of_a_run_for_other_hosts_what_is_here_is_checked_and_what_is_not_is_named()
    {
        var problems = new Problems();
        LoadedConfiguration Loaded(params string[] settings) =>
            ConfigurationLoader.LoadExperiment([], [.. complete, .. settings], folder.Path, elsewhere: true).Runs[0];
        Assert.Equal(
            [("coin.model.path", "/far/model")],
            FileRules.CheckThere(Loaded("model.path=\"/far/model\""), problems, prepared: false)
        );
        Assert.Equal(0, problems.Count);
        Assert.Empty(FileRules.CheckThere(Loaded("data.prepare=mini", "data.images=none"), problems, prepared: false));
        Assert.Equal(0, problems.Count);
        File.Delete(folder.PathOf("model", "config.json"));
        File.Delete(folder.PathOf("data", "GQA", "test.json"));
        Assert.Empty(FileRules.CheckThere(Loaded(), problems, prepared: false));
        Assert.Equal(2, problems.Count);
    }

    [Fact]
    public void A_model_folder_without_its_configuration_is_an_error()
    {
        File.Delete(folder.PathOf("model", "config.json"));

        Assert.Contains("holds no config.json", Fault([], complete));
    }

    [Fact]
    public void A_tasks_missing_files_are_named_but_training_files_only_where_there_is_training()
    {
        File.Delete(folder.PathOf("data", "GQA", "train.json"));

        Assert.Contains(folder.PathOf("data", "GQA", "train.json"), Fault([], complete));
        var loaded = ConfigurationLoader.Load([], [.. complete, "method=zero-shot"], folder.Path);
        File.Delete(folder.PathOf("data", "GQA", "test.json"));
        Assert.Contains("coin.tasks.GQA.test-file", Assert.Throws<CoinException>(() => FileRules.Check(loaded)).Message);
    }

    [Fact]
    public void Data_that_the_run_prepares_itself_need_not_be_there() =>
        Assert.Equal(
            "mini",
            ConfigurationLoader.Load([], [.. complete, "data.instructions=no", "data.prepare=mini"], folder.Path).Preparation
        );

    [Theory]
    [InlineData("coin {\n lora {\n  rank = 1\n }\n", "a.hocon, line 1: '{' is never closed")]
    [InlineData("coin {\n}\n}\ncoin.seed = 1", "a.hocon, line 3: '}' closes nothing")]
    [InlineData("coin {\n order = [GQA\n}", "line 3: '}' closes the '[' of line 2")]
    [InlineData("coin {\n name = \"a\n}", "line 2: a quotation mark is never closed")]
    [InlineData("coin {\n include \"b.hocon\"\n}", "line 2: an include stands at the top of a file")]
    [InlineData("include b.hocon", "line 1: an include is written include \"file.hocon\"")]
    [InlineData("coin {\n seed\n name = a\n}", "'seed' has no value")]
    [InlineData("coin {\n seed = \n name = a\n}", "has no value")]
    [InlineData("coin.name = ${missing}", "a.hocon: not HOCON")]
    [InlineData("coin.model.path = C:/x", "quotation marks")]
    public void A_syntax_error_names_the_file_and_where_it_can_the_line(string text, string expected)
    {
        var message = FaultOf(text);

        Assert.Contains(expected, message);
        Assert.Contains(folder.PathOf("a.hocon"), message);
    }

    [Fact]
    public void Brackets_in_comments_and_strings_do_not_count()
    {
        folder.Write("a.hocon", "# { [\n// }\ncoin.judge { kind = openai, endpoint = \"http://a/v1\", model = \"a{b]\" } # \"\n");

        Assert.Equal("a{b]", ConfigurationLoader.Load(["a.hocon"], complete, folder.Path).Options.Judge!.Model);
    }

    private string FaultOf(string text)
    {
        folder.Write("a.hocon", text);
        return Fault(["a.hocon"], complete);
    }

    private string Fault(string[] files, params string[] overrides) =>
        Assert.Throws<CoinException>(() => ConfigurationLoader.Load(files, overrides, folder.Path)).Message;
}
