"""What tests/gpu/check.sh does; see README.md beside this.

Needs nothing but Python's standard library (3.8 or later); only the peer's stages need PyTorch and transformers.
"""
import argparse
import contextlib
import ctypes
import datetime
import json
import os
import platform
import queue
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import threading
import time
import traceback
import xml.etree.ElementTree

GIGA = 1e9
TAIL_LINES = 40

# Dense products of bfloat16 with float32 sums, in 10¹² operations a second, by the vendors' data sheets.
# The first that a card's name holds counts.
PEAKS = [
    ("B200", 2250.0), ("H200 NVL", 835.0), ("H200", 989.4), ("H100 PCIe", 756.0), ("H100 NVL", 835.0), ("H100", 989.4),
    ("A100", 312.0), ("L40S", 362.0), ("L4", 121.0), ("A10", 125.0), ("RTX 4090", 165.2),
]

# Cards for which the aims of use (MFU) are set.
AIMED_CARDS = ("H100", "H200")

# Name, longest time in seconds, and what it does.
STAGES = [
    ("host", 60, "symbols of libtorch, doctor, versions"),
    ("parity", 150, "parity tests on the device"),
    ("miniature", 150, "the miniature, killed twice and resumed"),
    ("workload", 90, "a model with random weights is written"),
    ("training", 90, "memory against the plan, tokens/s, MFU"),
    ("peer-training", 90, "the same in transformers + PEFT"),
    ("evaluation", 60, "samples/s"),
    ("peer-evaluation", 90, "the same in transformers"),
]

SKIPPED, DONE, FAILED, BROKEN, LATE = "left out", "ok", "a check failed", "broke down", "out of time"


class Stop(Exception):
    """Ends a stage with a sentence."""


class Late(Stop):
    """A stage's time is up."""


def write_json(path, value):
    """The whole file or none of it."""
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")
    os.replace(path + ".part", path)


def tail(path, lines=TAIL_LINES):
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - 64 * 1024))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return []


# ----------------------------------------------------------------------------------------------------
# The result of a stage, of which every step is written at once: what is cut off keeps what it has.


class Stage:
    def __init__(self, name, out, limit):
        self.path, self.log = result_path(out, name), os.path.join(out, f"{number(name):02}-{name}.log")
        self.deadline = time.monotonic() + limit
        self.began = time.monotonic()
        self.result = {
            "stage": name, "status": "cut off", "seconds": 0.0, "limit": limit, "reason": None, "checks": [], "figures": {}, "log": []}
        open(self.log, "w").close()
        self.save()

    def left(self):
        return self.deadline - time.monotonic()

    def save(self):
        self.result["seconds"] = round(time.monotonic() - self.began, 1)
        write_json(self.path, self.result)

    def figure(self, name, value):
        self.result["figures"][name] = value
        self.save()

    def check(self, name, value, aim=None, passed=None, unit=""):
        """A line of the table. Without an aim, or with passed None, it is shown and not judged."""
        self.result["checks"].append({"name": name, "value": value, "unit": unit, "aim": aim, "passed": passed})
        self.save()

    def note(self, text):
        with open(self.log, "a", encoding="utf-8") as file:
            file.write(text.rstrip() + "\n")

    def end(self, status, reason=None):
        self.result["status"], self.result["reason"] = status, reason
        if status in (FAILED, BROKEN, LATE):
            self.result["log"] = tail(self.log)
        self.save()


def number(name):
    return [one[0] for one in STAGES].index(name) + 1


def result_path(out, name):
    return os.path.join(out, f"{number(name):02}-{name}.json")


# ----------------------------------------------------------------------------------------------------
# Processes.


def kill_group(process):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run(stage, command, env, cwd=None, need=0):
    """Runs a command to its end; all that it says goes to the stage's log. Returns its status and what it wrote to its standard output."""
    stage.note("$ " + " ".join(command))
    lines = []
    with open(stage.log, "ab") as log:
        process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True)

        def read():
            for line in process.stdout:
                lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                log.write(line)
                log.flush()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            process.wait(max(1.0, stage.left()))
            reader.join(5)
        except subprocess.TimeoutExpired:
            kill_group(process)
            raise Late(f"after {stage.result['limit']:.0f} s it was still at: {' '.join(command)[:160]}") from None
        except BaseException:
            kill_group(process)
            raise
    if need is not None and process.returncode != need:
        raise Stop(f"ended with status {process.returncode}: {' '.join(command)[:160]}")
    return process.returncode, lines


class Side:
    """A process that answers a line with a line of JSON (tests/CoIN.Speed/Sides/Side.cs, peer/common.py)."""

    def __init__(self, stage, command, env, cwd):
        self.stage, self.command = stage, command
        stage.note("$ " + " ".join(command))
        self.errors = open(stage.log, "ab")
        self.process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.hello = self._reply()
        except BaseException:
            kill_group(self.process)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired, ValueError):
            self.process.stdin.write(b"quit\n")
            self.process.stdin.close()
            self.process.wait(10)
        kill_group(self.process)
        self.errors.close()

    def ask(self, request):
        self.process.stdin.write((request + "\n").encode())
        self.process.stdin.flush()
        return self._reply()

    def _read(self):
        for line in self.process.stdout:
            text = line.decode("utf-8", "replace")
            self.stage.note(text if len(text) < 400 else text[:400] + "…")
            # Libraries print what they like; a reply is an object.
            if text.startswith("{"):
                self.lines.put(text)
        self.lines.put(None)

    def _reply(self):
        try:
            line = self.lines.get(timeout=max(1.0, self.stage.left()))
        except queue.Empty:
            kill_group(self.process)
            raise Late(f"after {self.stage.result['limit']:.0f} s it was still at: {' '.join(self.command)[:160]}") from None
        if line is None:
            raise Stop(f"ended with status {self.process.wait()} before it had answered: {' '.join(self.command)[:160]}")
        return json.loads(line)


class Driver:
    """The NVIDIA driver's management library: it sees a card from outside, without a context of its own."""

    class Memory(ctypes.Structure):
        _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]

    def __init__(self, device):
        self.handle = None
        if not device.startswith("cuda"):
            return
        index = int(device.partition(":")[2] or 0)
        visible = [part.strip() for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip()]
        try:
            self.library = ctypes.CDLL("libnvidia-ml.so.1")
            handle = ctypes.c_void_p()
            if self.library.nvmlInit_v2() != 0:
                return
            named = visible[index] if index < len(visible) else str(index)
            found = (
                self.library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(int(named)), ctypes.byref(handle)) if named.isdigit()
                else self.library.nvmlDeviceGetHandleByUUID(named.encode(), ctypes.byref(handle)))
            if found == 0:
                self.handle = handle
        except (OSError, AttributeError):
            pass

    def name(self):
        if self.handle is None:
            return None
        text = ctypes.create_string_buffer(96)
        return text.value.decode() if self.library.nvmlDeviceGetName(self.handle, text, ctypes.c_uint(96)) == 0 else None

    def used(self):
        """Bytes of the card that are held; None where nothing tells."""
        memory = Driver.Memory()
        if self.handle is None or self.library.nvmlDeviceGetMemoryInfo(self.handle, ctypes.byref(memory)) != 0:
            return None
        return memory.used

    @contextlib.contextmanager
    def watched(self):
        """The most that is held meanwhile beyond what was held before, in a list of one; None where nothing tells."""
        before, most, over = self.used(), [None], threading.Event()
        if before is None:
            yield most
            return
        most[0] = 0

        def look():
            while not over.wait(0.05):
                now = self.used()
                if now is not None:
                    most[0] = max(most[0], now - before)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield most
        finally:
            over.set()
            thread.join(2)


# ----------------------------------------------------------------------------------------------------
# The stages.


class Check:
    def __init__(self, options):
        self.options = options
        self.out, self.device, self.small = options.out, options.device, options.small
        self.cuda = self.device.startswith("cuda")
        self.root, self.work = options.root, options.work
        self.bundle = os.path.isfile(os.path.join(self.root, "coin"))
        self.driver = Driver(self.device)
        self.python = options.python
        self.facts = {}

    # Programs and their surroundings.

    def program(self, name):
        if self.bundle:
            return [os.path.join(self.root, "coin")] + ([] if name == "coin" else ["--program", name])
        project = {"coin": "src/CoIN.Cli", "coin-speed": "tests/CoIN.Speed", "CoIN.Models.Tests": "tests/CoIN.Models.Tests"}[name]
        built = (
            os.path.join("artifacts", "bin", os.path.basename(project), "release") if self.options.artifacts
            else os.path.join(project, "bin", "Release", "net10.0"))
        return ["dotnet", "exec", os.path.join(self.root, built, f"{name}.dll")]

    def env(self, **more):
        golden = os.environ.get("COIN_GOLDEN_DIR") or os.path.join(self.root, "tests", "golden")
        env = dict(os.environ, OMP_WAIT_POLICY="passive", COIN_GOLDEN_DIR=golden)
        # CUDA's libraries beside an installed PyTorch, for the program alone: python finds its own.
        if os.environ.get("COIN_CHECK_LIBRARY_PATH"):
            env["LD_LIBRARY_PATH"] = os.environ["COIN_CHECK_LIBRARY_PATH"]
        env.update(more)
        return env

    def peer(self, stage, script, *arguments):
        """A peer. Paths are relative to the folder, so that a python in a container that sees only this folder can run it."""
        if self.python is None:
            raise Skip("no --python with PyTorch and transformers")
        target = os.path.join(self.work, "peer")
        os.makedirs(target, exist_ok=True)
        source = os.path.join(self.root, "tests", "CoIN.Speed", "peer")
        for file in os.listdir(source):
            if file.endswith(".py"):
                shutil.copy(os.path.join(source, file), target)
        env = dict(os.environ, TOKENIZERS_PARALLELISM="false", THREADS=str(self.options.threads or os.cpu_count()))
        return Side(stage, [self.python, f"peer/{script}", *arguments], env, self.work)

    def side(self, stage, kind, folder):
        return Side(stage, self.program("coin-speed") + ["side", kind, os.path.join(self.work, folder)], self.env(), self.work)

    # 1

    def host(self, stage):
        _, lines = run(stage, self.program("coin") + ["doctor", "--json", "--runs", os.path.join(self.work, "runs")], self.env(), need=None)
        report = json.loads("\n".join(lines[next((i for i, line in enumerate(lines) if line.startswith("{")), 0):] or ["{}"]))
        findings = {one["part"]: one for one in report.get("findings", [])}
        stage.figure("doctor", report.get("findings"))
        libtorch = findings.get("libtorch", {"health": "bad", "text": "doctor said nothing"})
        told = libtorch["text"] + (f" {libtorch['remedy']}" if libtorch.get("remedy") else "")
        stage.check("libtorch has all symbols and computes rightly", told, "good", libtorch["health"] == "good")
        stage.check("doctor", "good" if report.get("good") else "something is missing", "good", bool(report.get("good")))
        if self.cuda:
            found = findings.get("CUDA", {"health": "bad", "text": "doctor said nothing"})
            stage.check("libtorch sees the device", found["text"], "good", found["health"] == "good" and "can use" in found["text"])
            stage.figure("card", self.driver.name())
        stage.figure("processor", {"machine": platform.machine(), "cores": os.cpu_count()})
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            stage.note(subprocess.run(["nvidia-smi"], capture_output=True, text=True, timeout=15).stdout)
        if self.python:
            code = (
                "import importlib.metadata as m, json, torch\n"
                "def v(n):\n"
                "    try: return m.version(n)\n"
                "    except m.PackageNotFoundError: return None\n"
                "c = torch.cuda.is_available()\n"
                "names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if c else []\n"
                "print(json.dumps(dict(torch=torch.__version__, cuda=torch.version.cuda, devices=names,"
                " **{n: v(n) for n in ('transformers', 'peft', 'flash-attn', 'numpy')})))\n")
            os.makedirs(self.work, exist_ok=True)
            with open(os.path.join(self.work, "versions.py"), "w") as file:
                file.write(code)
            status, lines = run(stage, [self.python, "versions.py"], dict(os.environ), self.work, need=None)
            told = next((json.loads(line) for line in reversed(lines) if line.startswith("{")), None) if status == 0 else None
            stage.figure("python", told)
            versions = ", ".join(f"{name} {value}" for name, value in (told or {}).items() if value)
            stage.check("the peer's python", versions or "has no PyTorch", "PyTorch and transformers", bool(told and told["transformers"]))

    # 2

    def parity(self, stage):
        report = os.path.join(self.out, "parity.xml")
        # Products without TF32, whoever asks for them.
        env = self.env(COIN_TEST_DEVICE=self.device, NVIDIA_TF32_OVERRIDE="0")
        if self.options.threads:
            env["OMP_NUM_THREADS"] = str(self.options.threads)
        filters = ["-trait", "Category=Parity"]
        for name in self.options.parity_class or []:
            filters += ["-class", name]
        status, _ = run(stage, self.program("CoIN.Models.Tests") + ["-noLogo", "-noColor", *filters, "-xml", report], env, need=None)
        if not os.path.exists(report):
            raise Stop(f"the tests ended with status {status} and without a report")
        tests = list(xml.etree.ElementTree.parse(report).getroot().iter("test"))
        counts = {kind: sum(test.get("result") == kind for test in tests) for kind in ("Pass", "Fail", "Skip")}
        stage.figure("counts", counts)
        stage.figure("failed", [
            {"test": test.get("name"), "message": " ".join((test.findtext("failure/message") or "").split())[:300]}
            for test in tests if test.get("result") == "Fail"])
        stage.check("parity tests that pass, float32 without TF32 and bfloat16", counts["Pass"], "more than 0", counts["Pass"] > 0)
        stage.check("parity tests that fail", counts["Fail"], "0", counts["Fail"] == 0)
        stage.check("parity tests left out (the CPU's own kernels)", counts["Skip"])
        if status != 0 and counts["Fail"] == 0:
            raise Stop(f"the tests ended with status {status} without a failing one")

    # 3

    def miniature(self, stage):
        data, runs = os.path.join(self.work, "mini"), os.path.join(self.work, "runs")
        shutil.rmtree(runs, ignore_errors=True)
        if not os.path.isdir(data):
            run(stage, self.program("coin") + [
                "mini", "generate", "--out", data, "--train-samples", "64" if self.small else "512",
                "--test-samples", "20" if self.small else "60"], self.env())
        steps, every, batch = (6, 3, 8) if self.small else (60, 20, 32)
        settings = [
            f"data.instructions={data}/Instructions_Original", f"data.images={data}/images", "order=[ImageNet,GQA,OCR-VQA]",
            f"training.batch-size={batch}", f"training.max-steps={steps}", f"training.checkpoint-every={every}", "lora.dropout=0.1",
            "evaluation.batch-size=20", "evaluation.shard-size=20", f'node.devices=["{self.device}"]']

        def command(name):
            return self.program("coin") + ["run", os.path.join(self.root, "hocon", "mini.hocon"), "--runs", runs, "--run-id", name] + [
                word for setting in settings for word in ("--set", setting)]

        began = time.monotonic()
        run(stage, command("whole"), self.env())
        stage.check("the miniature undisturbed", round(time.monotonic() - began, 1), unit="s")
        resume = self.program("coin") + ["resume", "killed", "--runs", runs]
        kills = self.killed(stage, command("killed"), r"Checkpoint of stage 2 at step")
        kills += self.killed(stage, resume, r"Checkpoint of stage 3 at step")
        stage.check("killed (SIGKILL) in stages 2 and 3", kills, "2", kills == 2)
        run(stage, resume, self.env())
        same = compare(os.path.join(runs, "whole"), os.path.join(runs, "killed"))
        stage.figure("resumed", same)
        if same["bits"]:
            stage.check("adapters and answers after kills and resumes", "the same bits", "the same bits", True)
            return
        if not self.cuda:
            stage.check("adapters and answers after kills and resumes", describe(same), "the same bits", False)
            return
        # Whether the device itself repeats its bits is told by another undisturbed run.
        run(stage, command("again"), self.env())
        control = compare(os.path.join(runs, "whole"), os.path.join(runs, "again"))
        stage.figure("control", control)
        stage.check("two undisturbed runs", "the same bits" if control["bits"] else describe(control))
        near = same["distance"] <= max(5e-2, 2 * control["distance"]) and same["answers"] >= min(0.95, control["answers"] - 0.02)
        aim = "as near as two undisturbed runs: distance ≤ 5 % or twice theirs, 95 % of the answers or 2 % fewer than theirs"
        stage.check("adapters and answers after kills and resumes", describe(same), aim, near and not control["bits"])

    def killed(self, stage, command, moment):
        """Runs a command and kills it, with all that it started, as soon as a line of its output matches; 1 if it came to that."""
        stage.note("$ " + " ".join(command) + f"   # killed at: {moment}")
        process = subprocess.Popen(
            command, env=self.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        watchdog = threading.Timer(max(1.0, stage.left()), lambda: kill_group(process))
        watchdog.start()
        try:
            for line in process.stdout:
                text = line.decode("utf-8", "replace")
                stage.note(text)
                if re.search(moment, text):
                    kill_group(process)
                    return 1
        finally:
            watchdog.cancel()
            kill_group(process)
        if stage.left() <= 0:
            raise Late("the run that is to be killed came not so far")
        return 0

    # 4

    def workload(self, stage):
        for name in ("batch", "single", "whole"):
            shutil.rmtree(os.path.join(self.work, name), ignore_errors=True)
        sizes = (
            "--small --positions 600 --image-tokens 64 --questions 4 --rank 8 --batch-size 16".split() if self.small
            else ["--layers", str(self.options.layers), "--positions", str(self.options.positions)])
        folder = os.path.join(self.work, "drawn")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(self.work, exist_ok=True)
        threads = str(self.options.threads or os.cpu_count())
        run(stage, self.program("coin-speed") + [
            "workload", "--out", folder, "--device", self.device, "--threads", threads, *sizes], self.env())
        for name in os.listdir(folder):
            target = os.path.join(self.work, name)
            if os.path.isfile(target):
                os.remove(target)
            os.rename(os.path.join(folder, name), target)
        plan = self.plan()
        stage.figure("plan", plan)
        layers = f"{plan['layers']} of LLaVA-1.5-7B's 32 layers" if plan.get("layers") else "a small model"
        stage.check("workload", f"{layers}, {plan['batch']['samples']} samples of {plan['batch']['positions']} tokens together")

    def plan(self):
        path = os.path.join(self.work, "plan.json")
        if not os.path.exists(path):
            raise Skip("there is no workload")
        with open(path) as file:
            return json.load(file)

    # 5 and 6

    def train(self, stage, open_side, ours):
        plan = self.plan()
        card = self.driver.name() or ""
        peak = next((peak for name, peak in PEAKS if name in card), None)
        who = "" if ours else "transformers, "
        kinds = (("batch", f"micro-batches of {plan['batch']['positions']:,} tokens"), ("single", "micro-batches of one sample"))
        for kind, words in kinds:
            with self.driver.watched() as held, open_side(kind) as side:
                first = side.ask("warm train")
                times = [side.ask("run train")["seconds"] for _ in range(2 if self.small else 5 if kind == "batch" else 3)]
                memory = side.ask("memory")
                hello = side.hello
            seconds = statistics.median(times)
            rate, tflops = plan[kind]["positions"] / seconds, plan[kind]["gflop"] / seconds / 1e3
            measured = held[0] if self.cuda else memory["peak"]
            stage.figure(kind, {
                "seconds": times, "tokensPerSecond": rate, "tflops": tflops, "productTflops": hello["gemm"] / 1e3, "peakTflops": peak,
                "firstLoss": first["loss"], "deviceBytes": measured, "memory": memory, "versions": hello["versions"]})
            stage.check(f"training, {who}{words}", round(rate, 1), unit="tokens/s")
            of_peak = f", {tflops / peak:.1%} of the card's {peak:g}" if peak else ""
            used = f"{tflops:.3g} TFLOP/s{of_peak}; a plain product {hello['gemm'] / 1e3:.3g}"
            aim = 0.5 if kind == "batch" else 0.35
            judged = ours and peak is not None and any(name in card for name in AIMED_CARDS)
            stage.check(
                f"use (MFU), {who}{words}", used, f"≥ {aim:.0%} on an H100 or H200" if ours else None, tflops / peak >= aim if judged else None)
            if measured is None:
                stage.check(f"memory, {who}{words}", "the driver does not tell")
                continue
            stage.check(f"memory, {who}{words}", round(measured / GIGA, 2), unit="GB")
            if ours:
                ratio = measured / plan[kind]["deviceBytes"]
                # Of a small model's memory most is the program's own.
                within = None if self.small else abs(ratio - 1) <= 0.1
                stage.check(f"measured memory / plan, {words}", round(ratio, 3), "0.90 to 1.10", within)
                whole = plan[kind].get("wholeModelBytes")
                if whole and kind == "single":
                    whole *= ratio
                    fits = whole <= 24 * 2**30 if self.cuda else None
                    stage.check(
                        "LLaVA-1.5-7B whole, single samples: plan × that ratio", round(whole / GIGA, 2), "≤ 24 GiB (25.77 GB)", fits, "GB")

    def training(self, stage):
        self.train(stage, lambda kind: self.side(stage, "train", kind), ours=True)

    def peer_training(self, stage):
        self.train(stage, lambda kind: self.peer(stage, "train.py", kind), ours=False)
        ours = self.earlier("training")
        for kind, words in (("batch", "micro-batches of many samples"), ("single", "micro-batches of one sample")):
            theirs = stage.result["figures"].get(kind)
            if theirs and ours.get(kind):
                times = ours[kind]["tokensPerSecond"] / theirs["tokensPerSecond"]
                self.ratio(stage, f"CoIN.Actors / transformers, training, {words}", times, 1.2)
        if ours.get("batch") and "batch" in stage.result["figures"]:
            apart = abs(ours["batch"]["firstLoss"] - stage.result["figures"]["batch"]["firstLoss"])
            stage.check("the first micro-batch's losses differ by", round(apart, 5), "≤ 0.02", apart <= 0.02)

    # 7 and 8

    def evaluate(self, stage, side, name, hows):
        with open(os.path.join(self.work, "batch", "workload.json"), encoding="utf-8") as file:
            tasks = json.load(file)["evaluation"]
        samples = sum(len(task["samples"]) for task in tasks)
        side.ask(f"warm {tasks[0]['name']}")
        for how, words in hows:
            runs = {task["name"]: side.ask(f"{how} {task['name']}") for task in tasks}
            seconds = sum(one["seconds"] for one in runs.values())
            stage.figure(f"{name}{words}", {
                "samplesPerSecond": samples / seconds, "tflops": self.plan()["evaluationGflop"] / seconds / 1e3,
                "versions": side.hello["versions"], "seconds": {task: one["seconds"] for task, one in runs.items()},
                "answers": {task: one["answers"] for task, one in runs.items()}})
            stage.check(f"evaluation, {name}{words}", round(samples / seconds, 2), unit="samples/s")

    def evaluation(self, stage):
        self.plan()
        with self.side(stage, "generate", "batch") as side:
            self.evaluate(stage, side, "CoIN.Actors", [("run", ""), ("again", ", pictures known")])

    def peer_evaluation(self, stage):
        self.plan()
        best, ours = None, self.earlier("evaluation").get("CoIN.Actors")
        for size in (1, 4) if self.small else (32, 16, 1):
            with self.peer(stage, "generate.py", "batch", str(size)) as side:
                self.evaluate(stage, side, f"generate, batch {size}", [("run", "")])
            theirs = stage.result["figures"][f"generate, batch {size}"]
            best = max(best or 0.0, theirs["samplesPerSecond"])
            if ours:
                times = ours["samplesPerSecond"] / theirs["samplesPerSecond"]
                self.ratio(stage, f"CoIN.Actors / generate, batch {size}", times, 5 if size == 1 else None)
                pairs = [(a, b) for task in ours["answers"] for a, b in zip(ours["answers"][task], theirs["answers"][task])]
                tokens = [(x, y) for a, b in pairs for x, y in zip(a, b)]
                stage.check(f"the same tokens as generate, batch {size}", f"{sum(x == y for x, y in tokens) / max(1, len(tokens)):.1%}")
        if ours and best:
            self.ratio(stage, "CoIN.Actors / generate's best batch", ours["samplesPerSecond"] / best, 1.2)

    def ratio(self, stage, name, value, aim):
        """Aims of speed are a GPU's; elsewhere ratios are shown."""
        stage.check(name, round(value, 2), f"≥ {aim}" if aim else None, value >= aim if aim and self.cuda else None)

    def earlier(self, name):
        """Figures of a stage that came before, in this call or an earlier one with the same --out."""
        try:
            with open(result_path(self.out, name), encoding="utf-8") as file:
                return json.load(file)["figures"]
        except (OSError, ValueError):
            return {}


class Skip(Stop):
    """A stage is left out, for a reason."""


# ----------------------------------------------------------------------------------------------------
# Whether two runs came to the same.


def files_of(folder):
    found = {}
    for part in ("stages", "predictions", "scores"):
        for place, _, names in os.walk(os.path.join(folder, part)):
            for name in names:
                path = os.path.join(place, name)
                found[os.path.relpath(path, folder)] = path
    return found


def read_tensors(path):
    """Numbers of the float32 tensors of a safetensors file, by name."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    return {
        name: memoryview(data)[entry["data_offsets"][0]:entry["data_offsets"][1]].cast("f")
        for name, entry in header.items() if name != "__metadata__" and entry["dtype"] == "F32"}


def compare(one, other):
    """What two runs' folders have in common.

    bits: whether adapters, predictions and scores are the same files; distance: of all adapters' numbers, as a part of their 2-norm;
    answers: part of the prediction lines that are the same.
    """
    left, right = files_of(one), files_of(other)

    def content(path):
        with open(path, "rb") as file:
            return file.read()

    differing = sorted(
        name for name in left.keys() | right.keys()
        if name not in left or name not in right or content(left[name]) != content(right[name]))
    apart = norm = 0.0
    lines = same = 0
    for name in left.keys() & right.keys():
        if name.endswith(".safetensors") and os.sep + "adapter" + os.sep in name:
            mine, theirs = read_tensors(left[name]), read_tensors(right[name])
            for tensor in mine.keys() & theirs.keys():
                norm += sum(x * x for x in mine[tensor])
                if name in differing:
                    apart += sum((x - y) ** 2 for x, y in zip(mine[tensor], theirs[tensor]))
        elif name.startswith("predictions" + os.sep):
            pairs = list(zip(content(left[name]).splitlines(), content(right[name]).splitlines()))
            lines += len(pairs)
            same += sum(a == b for a, b in pairs)
    adapters = sum(name.endswith(".safetensors") for name in left)
    if not adapters or not lines:
        raise Stop(f"{one} holds no adapters or no predictions to compare")
    return {
        "bits": not differing, "differing": differing[:20], "files": len(left), "distance": (apart / norm) ** 0.5 if norm else 0.0,
        "answers": same / lines}


def describe(found):
    return f"adapters at a distance of {found['distance']:.2%}, {found['answers']:.1%} of the answers the same"


# ----------------------------------------------------------------------------------------------------
# The table.


def assemble(out, meta=None):
    """Puts the stages' files together: check.json and check.txt. Returns whether all is well."""
    meta_path = os.path.join(out, "meta.json")
    if meta is None:
        try:
            with open(meta_path, encoding="utf-8") as file:
                meta = json.load(file)
        except (OSError, ValueError):
            meta = {}
    stages = []
    for name, _, about in STAGES:
        try:
            with open(result_path(out, name), encoding="utf-8") as file:
                stages.append(json.load(file))
        except (OSError, ValueError):
            stages.append({"stage": name, "status": "not run", "seconds": 0.0, "reason": None, "checks": [], "figures": {}, "log": []})
    asked = meta.get("stages") or [name for name, _, _ in STAGES]
    checks = [check for stage in stages for check in stage["checks"]]
    passed = sum(check["passed"] is True for check in checks)
    failed = sum(check["passed"] is False for check in checks)
    unfinished = [stage["stage"] for stage in stages if stage["stage"] in asked and stage["status"] not in (DONE, FAILED, SKIPPED)]
    skipped = [stage["stage"] for stage in stages if stage["status"] == SKIPPED]
    good = failed == 0 and not unfinished and passed > 0
    summary = {
        "good": good, "passed": passed, "failed": failed, "unfinished": unfinished, "skipped": skipped, "meta": meta, "stages": stages}
    write_json(os.path.join(out, "check.json"), summary)

    lines = [" ".join(str(meta[key]) for key in ("device", "card", "when") if meta.get(key)) or "check", ""]
    for stage in stages:
        if stage["stage"] in asked or stage["status"] != "not run":
            reason = f"   {stage['reason']}" if stage["reason"] else ""
            lines.append(f"{stage['stage']:<18}{stage['status']:<16}{stage['seconds']:>7.1f} s{reason}")
    lines.append("")
    verdicts = {True: "pass", False: "FAIL", None: ""}
    shown = [(one["name"], f"{one['value']} {one['unit']}".rstrip(), one["aim"] or "", verdicts[one["passed"]]) for one in checks]
    width = min(66, max([len(row[0]) for row in shown] + [5]))
    for name, value, aim, verdict in shown:
        lines.append(f"{verdict:<5} {name:<{width}}  {value}" + (f"   (aim: {aim})" if aim else ""))
    for stage in stages:
        if stage["log"]:
            lines += ["", f"-- the end of {stage['stage']}'s log"] + stage["log"][-15:]
    ends = [f"{passed} checks passed, {failed} failed"]
    ends += [f"{what}: {', '.join(names)}" for what, names in (("not finished", unfinished), ("left out", skipped)) if names]
    lines += ["", "; ".join(ends)]
    text = "\n".join(lines) + "\n"
    with open(os.path.join(out, "check.txt"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text, end="", flush=True)
    return good


def main():
    about = "Verifies CoIN.Actors on a GPU host: numbers, memory, speed, beside transformers + PEFT. Stages: "
    parser = argparse.ArgumentParser(prog="check.sh", description=about + "; ".join(f"{name} ({what})" for name, _, what in STAGES) + ".")
    parser.add_argument("--device", default="cuda:0", help="cuda:N or cpu [%(default)s]")
    parser.add_argument("--out", default="gpu-check", metavar="DIR", help="results; a stage run again replaces its own [%(default)s]")
    parser.add_argument("--work", metavar="DIR", help="where models and runs are written, 5 GB [work in the results' folder]")
    parser.add_argument("--small", action="store_true", help="sizes for a CPU: shows that everything works, not how fast")
    parser.add_argument("--minutes", type=float, default=10, help="time in all; what is left of it limits every stage [%(default)g]")
    parser.add_argument("--stages", metavar="NAME,…", help="only these")
    parser.add_argument("--slow", type=float, default=1, metavar="FACTOR", help="for slow hosts: times the stages' limits [%(default)g]")
    parser.add_argument("--python", metavar="PATH", help="the peer's python3, with PyTorch, transformers and PEFT [COIN_PYTHON, or this one]")
    parser.add_argument("--layers", type=int, default=8, help="layers of LLaVA-1.5-7B's language model, of 32 [%(default)s]")
    parser.add_argument("--positions", type=int, default=9000, help="tokens of the large micro-batch [%(default)s]")
    parser.add_argument("--threads", type=int, default=0, help="compute threads of each side [all cores]")
    parser.add_argument("--parity-class", action="append", metavar="NAME", help="only the parity tests of this class; may be repeated")
    parser.add_argument("--assemble", metavar="DIR", help="only writes the table of the results in DIR anew")
    parser.add_argument("--root", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--artifacts", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.assemble:
        return 0 if assemble(options.assemble) else 1

    names = [name for name, _, _ in STAGES]
    chosen = options.stages.split(",") if options.stages else names
    unknown = [name for name in chosen if name not in names]
    if unknown:
        parser.error(f"there is no stage {unknown[0]}; there are {', '.join(names)}")
    options.out, options.root = os.path.abspath(options.out), os.path.abspath(options.root)
    options.work = os.path.abspath(options.work or os.path.join(options.out, "work"))
    os.makedirs(options.out, exist_ok=True)
    options.python = options.python or os.environ.get("COIN_PYTHON") or (sys.executable if has_torch() else None)
    if options.python and not shutil.which(options.python):
        parser.error(f"--python: {options.python} cannot be executed")
    options.python = options.python and os.path.abspath(shutil.which(options.python))

    check = Check(options)
    meta = {
        "device": options.device, "card": check.driver.name(), "when": datetime.datetime.now().isoformat(" ", "seconds"),
        "small": options.small, "bundle": check.bundle, "python": options.python, "stages": chosen, "minutes": options.minutes}
    write_json(os.path.join(options.out, "meta.json"), meta)

    def cut(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, cut)
    deadline = time.monotonic() + 60 * options.minutes
    try:
        for name, limit, about in STAGES:
            if name not in chosen:
                continue
            left = deadline - time.monotonic()
            stage = Stage(name, options.out, min(limit * options.slow, max(0.0, left)))
            if left < 5:
                stage.end(LATE, f"nothing was left of {options.minutes:g} minutes")
                continue
            print(f"{name}: {about}, at most {stage.result['limit']:.0f} s …", flush=True)
            try:
                getattr(check, name.replace("-", "_"))(stage)
                stage.end(FAILED if any(one["passed"] is False for one in stage.result["checks"]) else DONE)
            except Skip as reason:
                stage.end(SKIPPED, str(reason))
            except Late as reason:
                stage.end(LATE, str(reason))
            except Stop as reason:
                stage.end(BROKEN, str(reason))
            except Exception:  # noqa: BLE001: whatever happens in one stage, the next one goes on
                stage.note(traceback.format_exc())
                stage.end(BROKEN, traceback.format_exc().splitlines()[-1])
            print(f"{name}: {stage.result['status']}, {stage.result['seconds']:.1f} s", flush=True)
    except KeyboardInterrupt:
        print("cut off", flush=True)
    print(f"{check.work} holds the model and the runs; delete it when all is seen.", flush=True)
    return 0 if assemble(options.out, meta) else 1


def has_torch():
    import importlib.util

    return all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers"))


if __name__ == "__main__":
    sys.exit(main())
