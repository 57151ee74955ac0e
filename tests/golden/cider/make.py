"""Makes cider.json: captions with CIDEr-D scores, for the scorer `cider`.

    python3 make.py > cider.json

Written from the definition (Vedantam et al. 2015, section 5 and its appendix on CIDEr-D; sigma 6, times 10) in plain Python, apart
from the product's code and from pycocoevalcap, which was not at hand. The words are found by a scan, not by the product's pattern.
"""
import json, math, random, sys

DROPPED = set(".?!,:;'\"-()[]{}`\u201c\u201d")
ENDINGS = ("n't", "'s", "'m", "'d", "'re", "'ve", "'ll")
ABBREVIATIONS = {"mr.", "mrs.", "dr.", "st.", "etc."}


def words(caption):
    found = []
    for piece in caption.lower().replace("\u2019", "'").split():
        while piece and piece[0] in DROPPED:
            piece = piece[1:]
        if piece in ABBREVIATIONS or (len(piece) >= 4 and piece[1] == "." and piece[-1] == "." and piece[::2].isalpha()):
            found.append(piece)
            continue
        while piece and piece[-1] in DROPPED:
            piece = piece[:-1]
        tail = []
        if piece.endswith("%"):
            tail, piece = ["%"], piece[:-1]
        ending = next((e for e in ENDINGS if piece.endswith(e) and len(piece) > len(e)), None)
        if ending:
            tail = [ending] + tail
            piece = piece[: -len(ending)]
        if piece:
            found.append(piece)
        found += tail
    return found


def grams(tokens, n):
    counts = {}
    for i in range(len(tokens) - n + 1):
        gram = tuple(tokens[i : i + n])
        counts[gram] = counts.get(gram, 0) + 1
    return counts


def cider(samples, predictions):
    document = {}
    for sample in samples:
        seen = set()
        for answer in sample["answers"]:
            for n in range(1, 5):
                seen.update(grams(words(answer), n))
        for gram in seen:
            document[gram] = document.get(gram, 0) + 1
    total = math.log(len(samples))

    def vector(tokens, n):
        return {g: c * (total - math.log(max(1, document.get(g, 0)))) for g, c in grams(tokens, n).items()}

    def norm(v):
        return math.sqrt(sum(x * x for x in v.values()))

    scores = []
    for sample in samples:
        candidate = words(predictions[sample["question_id"]])
        each = []
        for answer in sample["answers"]:
            truth = words(answer)
            gap = max(0, len(candidate) - 1) - max(0, len(truth) - 1)
            penalty = math.exp(-gap * gap / (2 * 6.0 ** 2))
            parts = []
            for n in range(1, 5):
                c, r = vector(candidate, n), vector(truth, n)
                dot = sum(min(x, r[g]) * r[g] for g, x in c.items() if g in r)
                parts.append(dot / (norm(c) * norm(r)) * penalty if norm(c) and norm(r) else 0.0)
            each.append(sum(parts) / 4)
        scores.append(10 * sum(each) / len(each))
    return scores


def main():
    draw = random.Random(20)
    who = ["a man", "two children", "the man's dog", "a woman in a T-shirt", "Mr. Smith", "an old-fashioned robot", "people",
           "the U.S. team"]
    does = ["rides a bike", "doesn't look at the camera", "is playing football", "holds 2,500 balloons", "jumps, laughing",
            "they're eating pizza", "sleeps"]
    where = ["on the beach.", "in the rain", "near a black-and-white wall!", "at 10:30", "(in a park)", "by the sea; it is 50% cloudy",
             "in the street.", "under the children's tree"]
    samples, predictions = [], {}
    for i in range(24):
        centre = (draw.choice(who), draw.choice(does), draw.choice(where))
        answers = [" ".join(part if draw.random() < 0.6 else draw.choice(pool) for part, pool in zip(centre, (who, does, where)))
                   for _ in range(draw.choice([1, 3, 5]))]
        answers = [a[0].upper() + a[1:] for a in answers]
        ident = f"caption-{i}"
        samples.append({"question_id": ident, "image": f"images/{i:05}.jpg", "text": "Describe the image.", "answer": answers[0],
                        "answers": answers})
        predictions[ident] = [
            answers[0], " ".join([draw.choice(who), draw.choice(does), draw.choice(where)]), answers[-1] + " " + answers[0],
            "a a a a a man man man", "", "zebra crossing", "Pizza", "\u201cThe man\u2019s dog\u201d sleeps on the beach"][i % 8]
    scores = cider(samples, predictions)
    text = {"samples": samples, "predictions": [{"question_id": k, "text": v} for k, v in predictions.items()],
            "tokens": [{"text": t, "words": words(t)} for t in sorted({a for s in samples for a in s["answers"]})],
            "scores": scores, "percent": 100 * sum(scores) / len(scores)}
    json.dump(text, sys.stdout, indent=1, ensure_ascii=False)
    print()


main()
