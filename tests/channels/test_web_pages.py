"""The script and the demo page: only what was built, with its type, cached as far as it may be."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from web_client import Web


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "dist"
    files = {
        "widget.js": "export const a = 1;\n" * 50, "chunk-1a2b3c4d.js": "2", "sub/extra.css": "a{}",
        "demo/index.html": "<!doctype html><title>Demo</title>", "demo/demo.css": "b{}", "demo/evil.exe": "x", ".env": "SECRET",
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder.parent / "secret.js").write_text("outside", encoding="utf-8")
    (folder / "link.js").symlink_to(folder.parent / "secret.js")
    return folder


@pytest.fixture(scope="module")
def built(serve_web: Callable[..., Web], dist: Path) -> Iterator[Web]:
    from milia.channels.web_pages import Pages

    yield serve_web(pages=Pages(dist))


def test_the_script_is_for_pages_of_any_origin(built: Web, dist: Path) -> None:
    answer = built.server.request("GET", "/widget.js", headers={"Origin": "https://anywhere.example"})
    assert answer.status == 200
    assert answer.body == (dist / "widget.js").read_bytes()
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "max-age=300" in answer.headers["cache-control"]


def test_a_known_script_is_not_sent_again(built: Web, dist: Path) -> None:
    tag = built.server.request("GET", "/widget.js").headers["etag"]
    for known in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        answer = built.server.request("GET", "/widget.js", headers={"If-None-Match": known})
        assert (answer.status, answer.body) == (304, b"")
    assert built.server.request("GET", "/widget.js", headers={"If-None-Match": '"x"'}).status == 200
    (dist / "widget.js").write_text("export const b = 2;\n", encoding="utf-8")
    fresh = built.server.request("GET", "/widget.js", headers={"If-None-Match": tag})
    assert fresh.status == 200 and fresh.headers["etag"] != tag


def test_it_is_compressed_for_those_who_take_it(built: Web, dist: Path) -> None:
    answer = built.server.request("GET", "/widget.js", headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == (dist / "widget.js").read_bytes()
    assert "Accept-Encoding" in answer.headers["vary"]
    for other in ("br", "gzip;q=0", ""):
        assert "content-encoding" not in built.server.request("GET", "/widget.js", headers={"Accept-Encoding": other}).headers


def test_files_with_a_hash_are_kept_for_a_year(built: Web) -> None:
    assert "immutable" in built.server.request("GET", "/widget/chunk-1a2b3c4d.js").headers["cache-control"]
    assert "immutable" not in built.server.request("GET", "/widget/sub/extra.css").headers["cache-control"]


def test_the_demo_page_allows_no_inline_script_or_style(built: Web) -> None:
    for path in ("/demo", "/demo/"):
        answer = built.server.request("GET", path)
        assert answer.status == 200 and b"Demo" in answer.body
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "style-src 'self'" in policy and "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert answer.headers["cache-control"] == "no-cache"
    assert built.server.request("GET", "/demo/demo.css").status == 200


def test_a_head_request_has_no_body(built: Web) -> None:
    answer = built.server.request("HEAD", "/widget.js")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    "path",
    ["/widget/../secret.js", "/widget/%2e%2e/secret.js", "/widget/..%2fsecret.js", "/widget/link.js", "/widget/.env", "/demo/%2e%2e/.env", "/demo/evil.exe",
     "/demo/none.html", "/widget/sub", "/widget//etc/passwd", "/widget/%2fetc%2fpasswd", "/demo/..%5c..%5csecret.js", "/widget/widget.js%00.css", "/demo/%C3%28.js"],
)  # fmt: skip
def test_nothing_else_is_served(built: Web, path: str) -> None:
    answer = built.server.request("GET", path)
    assert answer.status == 404, answer.body
    assert b"outside" not in answer.body and b"SECRET" not in answer.body


def test_without_a_build_the_page_says_what_to_do(serve_web: Callable[..., Web], tmp_path: Path) -> None:
    from milia.channels.web_pages import Pages

    web = serve_web(pages=Pages(tmp_path / "dist"))
    answer = web.server.request("GET", "/demo")
    assert answer.status == 404 and b"make setup" in answer.body
    assert b"<style" not in answer.body and b"<script" not in answer.body and b" style=" not in answer.body
    assert b"make setup" in web.server.request("GET", "/widget.js").body
