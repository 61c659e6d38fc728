"""`bench memory`: what the house keeps in memory while nobody comes."""

from __future__ import annotations

import argparse
import time

from bench import processes
from bench.report import Report, Unable
from bench.startup import checkout, up

PARTS = ("web", "worker", "sandbox")


def run(options: argparse.Namespace) -> Report:
    """PSS in MB (10^6 bytes): memory that processes share is counted once. After every page was asked for once."""
    report = Report("memory")
    with checkout() as folder, up(folder) as (pid, port, _):
        for path in ("/", "/packages", "/checkout", "/staff", "/api/packages", "/schema/openapi.json"):
            processes.ask(port, path)
        time.sleep(5 if options.quick else 30)
        used = dict.fromkeys((*PARTS, "supervisor", "PostgreSQL"), 0.0)
        for one in processes.tree(pid):
            used[_part(processes.command_line(one))] += processes.memory_kib(one)[0] * 1024 / 1e6
    if not used["web"] or not used["worker"]:
        raise Unable(f"web and worker were not found: {used}")
    for part, megabytes in used.items():
        report.beside(part, megabytes, " MB")
    report.at_most("web and worker", used["web"] + used["worker"], 250, " MB")
    return report


def _part(command: str) -> str:
    if "-m jklg" not in command:
        return "PostgreSQL"
    words = command.split("-m jklg", 1)[1].split()
    return words[0] if words and words[0] in PARTS else "supervisor"
