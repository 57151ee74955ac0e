namespace CoIN.Cli.Commands;

/// <summary>What somebody reads who calls the command without knowing it.</summary>
internal static class Welcome
{
    public const string Text = """
        CoIN.Actors measures how multimodal language models forget: a model learns eight tasks one after
        another, and after each of them it is tested again on all it has learned so far.

        First steps
          ./run.sh                                 the miniature: the whole benchmark on this CPU, in minutes
          ./run.sh runs                            what has run, and how it came out
          ./run.sh resume                          go on with the latest run that was stopped or killed
          cp hocon/my-llava.hocon.example hocon/my-llava.hocon
          ./run.sh validate hocon/my-llava.hocon   your own model and data: first check, then run

        Commands
          run <hocon…> [--set key=value] [--run-id ID]
                                                   start an experiment; later files win over earlier ones
          resume [run] [--set node.key=value]      go on with a run, by default the latest unfinished one
          runs                                     list the runs
          status [run]                             how a run stands: its matrix so far, by default of the latest
          watch [run…] [--port N]                  follow runs in a browser: matrix, losses, log, samples
          logs [run] [--follow] [--stage N]        what the actors of a run said
          predictions [run] [--task X] [--wrong]   a run's answers with their questions and truths
          report [run]                             write a run's reports anew: report.html, .md, .json, tables
          compare <run> <run…> [--out DIR]         put runs side by side: differences, means over seeds
          eval <hocon…> --adapter DIR [--tasks T]  test an adapter, or the base model, without a run
          score --task T --predictions F --annotations F
                                                   score a predictions file from anywhere, by both scorings
          rescore [run]                            score a run's predictions again, without its model
          judge run [run] --judge F                have a run's answers judged by another judge, without its model
          judge export | judge import              let people score blinded samples; read their scores
          metrics <file…> [--zero-shot F]          MAA, BWT and more for matrices from anywhere
          validate <hocon…> [--set key=value]      check a configuration; every problem is listed at once
          doctor                                   what this computer has for runs, and what it lacks
          data check <hocon…> [--task X]           find what in the data would break a run, or spoil its numbers
          data preview <hocon…> [--task X]         show samples as the model will see them
          plan <hocon…> [--memory 24GB]            steps, memory, disk and time before anything is loaded
          data build --task X --raw DIR --out DIR  make instruction folders of the raw data sets
          model info <path> | model merge <adapter> --model DIR --out DIR
                                                   look into model files, or fold an adapter into its model
          mini generate | mini pretrain            make the miniature's data, or its base model
          completion bash | zsh | fish             a script that completes command lines

        Runs are kept in --runs DIR, else coin.node.runs, else $COIN_RUNS, else ./runs.
        A run may be named by the beginning of its id. Ctrl-C stops at a point from which it can be resumed.
        Exit status: 0 done, 1 fault, 2 the command line is wrong, 130 stopped.
        Every configuration key: hocon/reference.conf.
        More about one command: ./run.sh <command> --help
        """;
}
