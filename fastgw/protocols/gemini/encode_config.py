"""Settings and tools of a conversation as `generationConfig`, `toolConfig` and `tools`."""

from typing import Any

import msgspec

from fastgw.protocols.gemini.schema_out import subset
from fastgw.protocols.hub.conversation import Conversation, Effort, Format, Sampling, Thinking, Tool
from fastgw.protocols.hub.effort import budget_of, effort_of, nearest
from fastgw.protocols.hub.freeform import described
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, format_of, thinking_of, tool_of
from fastgw.protocols.hub.target import Target

Wired = dict[str, Any]
LOGPROBS_MAX = 20
"""Alternatives a token (ai.google.dev/api/generate-content#GenerationConfig, 2026-11)."""
_CUSTOM = {"type": "OBJECT", "properties": {"input": {"type": "STRING"}}, "required": ["input"]}


class Settings:
    """Writes the settings of one conversation."""

    def __init__(self, conversation: Conversation, target: Target, losses: Losses) -> None:
        self._asked = conversation
        self._own = conversation.origin == "gemini"
        self._can = target.abilities
        self._losses = losses
        self.hint = ""
        """Words for the system instruction that stand in for a schema which the lane cannot be sent."""

    def generation(self) -> Wired:
        """The content of `generationConfig`."""
        asked = self._asked
        made = self._sampling(asked.sampling)
        cap = asked.output_cap
        if cap is not None and cap <= 0:
            self._drop("output_cap")
            cap = None
        if cap is not None and 0 < self._can.output_max < cap:
            self._drop("output_cap")
            cap = self._can.output_max
        if cap is not None:
            made["maxOutputTokens"] = cap
        if asked.format is not None:
            made |= self._format(asked.format)
        if asked.thinking is not None and (thinking := self._thinking(asked.thinking, cap)):
            made["thinkingConfig"] = thinking
        if asked.verbosity:
            self._drop("verbosity")
        return made

    def _drop(self, setting: str) -> None:
        self._losses.drop(field_of(self._asked.origin, setting))

    def _sampling(self, said: Sampling) -> Wired:
        can, made = self._can, Wired()
        for setting, name in _SAMPLING:
            value = getattr(said, setting)
            if value is None:
                continue
            if not can.sampling:
                self._drop(setting)
                continue
            if setting == "temperature" and value > can.temperature_max:
                self._drop(setting)
                value = can.temperature_max
            if setting == "top_p" and said.temperature is not None and not can.temperature_and_top_p:
                self._drop(setting)
                continue
            made[name] = value
        stops = said.stop[: can.stop_max]
        if len(stops) < len(said.stop):
            self._drop("stop")
        if stops:
            made["stopSequences"] = list(stops)
        if said.n is not None:
            if said.n > 1 and not can.choices:
                self._losses.refuse(field_of(self._asked.origin, "n"), "it gives one answer. Ask for one at a time.")
            if said.n > 1 or self._own:
                made["candidateCount"] = said.n
        if said.logit_bias:
            self._drop("logit_bias")
        self._logprobs(said, made)
        return made

    def _logprobs(self, said: Sampling, made: Wired) -> None:
        if said.logprobs is not None:
            if self._can.logprobs:
                made["responseLogprobs"] = said.logprobs
            elif said.logprobs:
                self._drop("logprobs")
        if said.top_logprobs:
            if not self._can.logprobs or not said.logprobs:
                self._drop("top_logprobs")
            else:
                if said.top_logprobs > LOGPROBS_MAX:
                    self._drop("top_logprobs")
                made["logprobs"] = min(said.top_logprobs, LOGPROBS_MAX)

    def _format(self, said: Format) -> Wired:
        if said.kind == "text":
            return {"responseMimeType": "text/plain"}
        made: Wired = {"responseMimeType": "application/json"}
        path = format_of(self._asked)
        able, schema = self._can.json_schema, said.kind == "json_schema"
        if said.description:
            self._losses.drop(f"{path}.description")
        if able == "none" or (schema and able != "native"):
            self._losses.drop(path)
            wanted = f"JSON that matches this JSON Schema, and with nothing else: {said.schema}"
            self.hint = f"Answer with {wanted if schema else 'one valid JSON object, and with nothing else.'}"
            return made if able == "object" else {}
        if not schema:
            return made
        if said.dialect == "gemini" and said.raw:
            return made | {"responseSchema": msgspec.Raw(said.raw.encode())}
        if self._can.schema_json:
            return made | {"responseJsonSchema": msgspec.Raw((said.schema or "{}").encode())}
        return made | {"responseSchema": self._subset(said.schema or "{}", path)}

    def _subset(self, schema: str, path: str) -> Wired:
        try:
            return subset(schema, lambda key: self._losses.drop(f"{path}.{key}"))
        except (msgspec.MsgspecError, RecursionError) as exc:
            self._losses.refuse(path, f"the schema cannot be read ({exc}). Correct it.")

    def _thinking(self, said: Thinking, cap: int | None) -> Wired:
        how = self._can.reasoning
        off = said.mode == "off" or said.effort == "none" or said.budget_tokens == 0
        if how == "none":
            if not off:
                self._losses.drop(thinking_of(self._asked))
            return {}
        if off:
            return self._off(said)
        made: Wired = {}
        show = said.show
        if show is None and not self._own:
            show = True
        if show is not None:
            made["includeThoughts"] = show
        if how not in ("level", "budget"):
            how = "budget" if said.budget_tokens is not None and said.effort is None else "level"
            if said.budget_tokens is not None and said.effort is not None:
                self._losses.drop(f"{field_of(self._asked.origin, 'thinking')}.budget")
        return made | (self._level(said) if how == "level" else self._budget(said, cap))

    def _level(self, said: Thinking) -> Wired:
        level = said.effort
        if level is None and said.budget_tokens is not None and said.budget_tokens > 0:
            level = effort_of(said.budget_tokens)
        word = nearest(level, self._can.efforts) if level else None
        return {"thinkingLevel": word.upper()} if word else {}

    def _budget(self, said: Thinking, cap: int | None) -> Wired:
        budget = said.budget_tokens
        if budget is None:
            budget = budget_of(said.effort) if said.effort else -1 if said.mode else None
        return {} if budget is None else {"thinkingBudget": self._bounded(budget, cap)}

    def _off(self, said: Thinking) -> Wired:
        if self._can.reasoning_off:
            shown = {"includeThoughts": said.show} if said.show is not None and self._own else {}
            return {"thinkingBudget": 0, **shown}
        self._losses.drop(thinking_of(self._asked))
        if self._can.reasoning == "budget":
            return {"thinkingBudget": self._can.budget_min}
        least: Effort | None = nearest("minimal", self._can.efforts)
        return {"thinkingLevel": least.upper()} if least else {}

    def _bounded(self, budget: int, cap: int | None) -> int:
        """Within what the lane takes, and 1024 tokens below the cap, which counts thoughts too."""
        if budget < 0 or self._can.reasoning != "budget":
            return budget
        if cap is not None:
            budget = min(budget, cap - 1_024)
        budget = max(budget, self._can.budget_min)
        return min(budget, self._can.budget_max) if self._can.budget_max else budget

    def tools(self) -> tuple[list[Wired], Wired | None]:
        """`tools` and `functionCallingConfig`; the second None where nothing may be called or nothing was said."""
        asked, choice = self._asked, self._asked.tool_choice
        allowed = choice.allowed if choice and choice.mode == "allowed" and not choice.required else ()
        validated = "toolConfig.functionCallingConfig.mode" in asked.same
        made: list[Wired] = []
        functions: list[Any] = []
        names: set[str] = set()
        for number, tool in enumerate(asked.tools):
            if tool.kind in ("function", "custom"):
                if not self._can.tools:
                    self._losses.refuse("tools", "the model cannot call tools. Ask another model.")
                if allowed and tool.name not in allowed and not validated:
                    continue
                if not functions:
                    made.append({"functionDeclarations": functions})
                functions.append(self._function(tool, number))
                names.add(tool.name)
            elif (server := self._server(tool, tool_of(tool, number))) is not None:
                made.append(server)
        if asked.parallel_calls is False and names:
            self._drop("parallel_calls")
        return made, self._calling(names) if names else None

    def _server(self, tool: Tool, path: str) -> Wired | None:
        if tool.dialect == "gemini" and tool.raw and (tool.kind == "opaque" or self._can.web_search):
            return _object.decode(tool.raw)
        if tool.kind == "web_search" and self._can.web_search:
            for option in _object.decode(tool.raw) if tool.raw else ():
                if option not in ("type", "name"):
                    self._losses.drop(f"{path}.{option}")
            return {"googleSearch": {}}
        self._losses.drop(path)
        return None

    def _function(self, tool: Tool, number: int) -> Any:
        if tool.dialect == "gemini" and tool.raw:
            return msgspec.Raw(tool.raw.encode())
        made: Wired = {"name": tool.name}
        path = tool_of(tool, number)
        told = described(tool, path, self._losses) if tool.kind == "custom" else tool.description
        if told:
            made["description"] = told
        if tool.cache is not None:
            self._losses.drop("cache_control")
        if tool.strict:
            self._losses.drop(f"{path}.strict")
        if tool.kind == "custom":
            return made | {"parameters": _CUSTOM}
        if not tool.schema.strip() or tool.schema.strip() in ("{}", "null"):
            return made
        if self._can.schema_json:
            return made | {"parametersJsonSchema": msgspec.Raw(tool.schema.encode())}
        parameters = self._subset(tool.schema, f"{path}.parameters")
        # An object without properties answers 400; without `parameters` the function simply takes none.
        return made | {"parameters": parameters} if parameters.get("properties") or "anyOf" in parameters else made

    def _calling(self, names: set[str]) -> Wired | None:
        choice = self._asked.tool_choice
        if choice is None:
            return None
        if choice.mode in ("auto", "none"):
            validated = "toolConfig.functionCallingConfig.mode" in self._asked.same
            return {"mode": "NONE" if choice.mode == "none" else "VALIDATED" if validated else "AUTO"}
        wanted = (choice.name,) if choice.mode == "named" else choice.allowed
        known = [name for name in wanted if name in names]
        if choice.mode == "allowed" and not choice.required:
            validated = "toolConfig.functionCallingConfig.mode" in self._asked.same
            return {"mode": "VALIDATED", "allowedFunctionNames": known} if validated else {"mode": "AUTO"}
        if not self._can.forced_calls or (choice.mode != "required" and not known):
            self._drop("tool_choice")
            return {"mode": "AUTO"}
        return {"mode": "ANY", "allowedFunctionNames": known} if known else {"mode": "ANY"}


_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SAMPLING = (
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("top_k", "topK"),
    ("seed", "seed"),
    ("frequency_penalty", "frequencyPenalty"),
    ("presence_penalty", "presencePenalty"),
)
