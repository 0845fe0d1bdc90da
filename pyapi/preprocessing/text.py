"""Text to numbers: words (`Tokenizer`) and characters (`Alphabet`)."""

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable

import numpy as np

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
TIES = ("first", "alphabetical")


def text_to_word_sequence(text: str, filters=FILTERS, lower=True, split=" ") -> list[str]:
    """Words between ``split``, without the characters of ``filters``."""
    text = text.lower() if lower else text
    text = text.translate(str.maketrans(dict.fromkeys(filters, split)))
    return [word for word in text.split(split) if word]


class Tokenizer:
    """Numbers words by falling count, from 1; 0 is nobody's.

    num_words: only words with smaller numbers are used. oov_token: the word, with number 1, that
    stands for all unknown ones; without it they are left out. ties: words of equal count by first
    appearance (as Keras) or "alphabetical".
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        ties: str = "first",
    ):
        if ties not in TIES:
            raise ValueError(f"ties must be one of {', '.join(TIES)}, got {ties!r}")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.ties = char_level, oov_token, ties
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: Counter = Counter()
        self.document_count = 0
        self.word_index: dict[str, int] = {}

    @property
    def index_word(self) -> dict[int, str]:
        return {number: word for word, number in self.word_index.items()}

    def words(self, text) -> list[str]:
        """The words of a text (or its characters); a list is taken word by word."""
        if isinstance(text, (list, tuple)):
            return [word.lower() if self.lower else word for word in text]
        if self.char_level:
            return list(text.lower() if self.lower else text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable) -> None:
        """Count the words of these texts too, and number them anew."""
        for text in texts:
            words = self.words(text)
            self.document_count += 1
            self.word_docs.update(set(words))
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
        key = (lambda item: (-item[1], item[0])) if self.ties == "alphabetical" else _falling
        ordered = [word for word, _ in sorted(self.word_counts.items(), key=key)]
        first = [] if self.oov_token is None else [self.oov_token]
        self.word_index = {word: i for i, word in enumerate([*first, *ordered], 1)}

    def texts_to_sequences(self, texts: Iterable) -> list[list[int]]:
        """The numbers of the words of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable):
        unknown = self.word_index.get(self.oov_token) if self.oov_token else None
        limit = self.num_words or len(self.word_index) + 1
        for text in texts:
            numbers = (self.word_index.get(word, limit) for word in self.words(text))
            found = (number if number < limit else unknown for number in numbers)
            yield [number for number in found if number is not None]

    def sequences_to_texts(self, sequences: Iterable) -> list[str]:
        """Words again, joined by blanks; numbers of no word are the unknown word or left out."""
        words, limit = self.index_word, self.num_words or len(self.word_index) + 1
        known = {number: word for number, word in words.items() if number < limit}
        texts = []
        for sequence in sequences:
            found = (known.get(int(number), self.oov_token) for number in sequence)
            texts.append(" ".join(word for word in found if word is not None))
        return texts

    def texts_to_matrix(self, texts: Iterable, mode: str = "binary") -> np.ndarray:
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences, mode: str = "binary") -> np.ndarray:
        """(texts, num_words): binary, count, freq (part of the text) or tfidf of each word."""
        columns = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), columns))
        for row, sequence in zip(matrix, sequences, strict=True):
            for number, count in Counter(n for n in sequence if n < columns).items():
                row[number] = self._entry(mode, number, count, len(sequence))
        return matrix

    def _entry(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "tfidf":  # the formula of Keras 2
            texts = self.word_docs.get(self.index_word.get(number), 0)
            return (1 + np.log(count)) * np.log(1 + self.document_count / (1 + texts))
        values = {"binary": 1.0, "count": float(count), "freq": count / length}
        if mode not in values:
            raise ValueError(f"mode must be binary, count, freq or tfidf, got {mode!r}")
        return values[mode]

    def to_json(self) -> str:
        """Everything, as ``tokenizer_from_json`` reads it."""
        return json.dumps({**vars(self), "word_counts": list(self.word_counts.items())})


def _falling(item) -> int:
    return -item[1]


def tokenizer_from_json(text: str) -> Tokenizer:
    """The Tokenizer that ``to_json`` wrote."""
    data = json.loads(text)
    tokenizer = Tokenizer()
    unknown = sorted(set(data) - set(vars(tokenizer)))
    if unknown:
        raise ValueError(f"no Tokenizer: unknown entry {unknown[0]!r}")
    vars(tokenizer).update(data)
    tokenizer.word_counts = OrderedDict(map(tuple, data["word_counts"]))
    tokenizer.word_docs = Counter(data["word_docs"])
    return tokenizer


class Alphabet:
    """The 98 codes of the text generator: 0 unknown, 1 tab, 2 to 96 blank to tilde, 97 line feed.

    (Code c - 30 for the characters 32 to 126, as in the talk's program.)
    """

    size = 98

    def __init__(self):
        self._codes = np.zeros(0x110000, np.uint8)
        self._codes[32:127] = np.arange(2, 97)
        self._codes[9], self._codes[10] = 1, 97
        self._characters = ["\0", "\t", *map(chr, range(32, 127)), "\n"]

    def encode(self, text: str) -> np.ndarray:
        """Codes (N,), uint8."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        return self._codes[points]

    def decode(self, codes, visible: bool = False) -> str:
        """Characters; visible: tab as blank, line feed as backslash, for tables."""
        codes = np.asarray(codes).reshape(-1)
        if codes.size and not 0 <= codes.min() <= codes.max() < self.size:
            raise ValueError(f"codes must be 0 to {self.size - 1}, got {codes.max()}")
        text = "".join(self._characters[code] for code in codes)
        return text.replace("\t", " ").replace("\n", "\\") if visible else text


__all__ = ["Alphabet", "Tokenizer", "text_to_word_sequence", "tokenizer_from_json"]
