"""Who said that, as a service: a recurrent network in a server answers POST /jinkies.

    python examples/who_said_that.py --out who-said-that
    respnet serve &
    python examples/mystery_service.py redis://127.0.0.1:6390 who-said-that
    curl -d '{"line": "beep unknown object ahead"}' http://127.0.0.1:3000/jinkies

It stores the ONNX file of who_said_that.py in the server and sends what the service of the Mystery
Machine Learning talk sends: AI.TENSORSET, AI.MODELEXECUTE, AI.TENSORGET. --ask answers one line
without HTTP.
"""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import redis

from respnet.preprocessing import pad_sequences, text_to_word_sequence

LENGTH = 150  # words of a line
MOST_BYTES = 64 * 1024  # of a request
KEY = "mystery:onnx"


class Mystery:
    """Lines in, speakers out."""

    def __init__(self, url, folder):
        self.server = redis.Redis.from_url(url, protocol=2)
        self.classes = json.loads((folder / "classes.json").read_text())
        self.words = json.loads((folder / "word_index.json").read_text())
        blob = (folder / "model.onnx").read_bytes()
        self.server.execute_command("AI.MODELSTORE", KEY, "ONNX", "CPU", "BLOB", blob)

    def encode(self, line):
        """Numbers of the words, zeros in front; 0 for a word that is not known."""
        numbers = [self.words.get(word, 0) for word in text_to_word_sequence(line)]
        return pad_sequences([numbers], maxlen=LENGTH)[0].tolist()

    def ask(self, line):
        """What the service answers, as a dict."""
        encoded, own = self.encode(line), f"mystery:{uuid4().hex}"
        given, made = f"{own}:in", f"{own}:out"
        pipe = self.server.pipeline(transaction=False)
        pipe.execute_command("AI.TENSORSET", given, "FLOAT", 1, LENGTH, "VALUES", *encoded)
        pipe.execute_command("AI.MODELEXECUTE", KEY, "INPUTS", 1, given, "OUTPUTS", 1, made)
        pipe.execute_command("AI.TENSORGET", made, "VALUES")
        pipe.delete(given, made)
        scores = [float(number) for number in pipe.execute()[2]]
        results = [{"class": number, "decodedClass": name, "score": score} for number, (name, score)
                   in enumerate(zip(self.classes, scores, strict=True))]
        results.sort(key=lambda result: -result["score"])
        return {"winner": results[0], "results": results, "line": line, "encodedLine": encoded,
                "backend": "onnx"}


class Handler(BaseHTTPRequestHandler):
    """POST /jinkies {"line": ...}; ``mystery`` is set on the server."""

    def do_POST(self):
        if self.path != "/jinkies":
            return self.answer(404, {"error": f"there is no {self.path}, only /jinkies"})
        size = int(self.headers.get("Content-Length", 0))
        if size > MOST_BYTES:
            return self.answer(413, {"error": f"a request has at most {MOST_BYTES} bytes"})
        try:
            line = json.loads(self.rfile.read(size))["line"]
        except (ValueError, KeyError, TypeError):
            line = None
        if not isinstance(line, str):
            return self.answer(400, {"error": 'wanted JSON like {"line": "jinkies"}'})
        return self.answer(200, self.server.mystery.ask(line))

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Quiet."""


def main(options):
    mystery = Mystery(options.url, options.folder)
    if options.ask is not None:
        print(json.dumps(mystery.ask(options.ask), indent=1))
        return
    service = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    service.mystery = mystery
    print(f"http://127.0.0.1:{service.server_port}/jinkies", flush=True)
    service.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="of a server")
    parser.add_argument("folder", type=Path, help="what who_said_that.py wrote")
    parser.add_argument("--port", type=int, default=3000, help="0: any that is free")
    parser.add_argument("--ask", metavar="LINE", help="answer this line and end")
    main(parser.parse_args())
