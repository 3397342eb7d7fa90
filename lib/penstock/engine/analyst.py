"""The analyst: learns on empty tables which columns nodes make and what these depend on.

Functions of Transform nodes are called on empty stand-ins of their inputs, and Spark's analyzer
finds what is wrong with them; models are typed by their stages. No Spark job runs.
"""

from collections.abc import Mapping
from dataclasses import replace

from pyspark.ml import Estimator
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from penstock.catalyst import stage_schemas
from penstock.catalyst.internals import CanonicalPlan, canonical_plan, count_jobs
from penstock.catalyst.plan_columns import ROWS
from penstock.catalyst.stand_ins import columns_of, stand_in
from penstock.columns import columns_in
from penstock.engine import checking
from penstock.engine.analysis import Analysis, clocks_in, plain, source_parts, why_never
from penstock.engine.fingerprint import digest
from penstock.engine.lineage import LABEL, Columns
from penstock.engine.made import Made
from penstock.engine.nodes import MODELS, TABLES, Node
from penstock.engine.plan import Request
from penstock.errors import DataError, NodeFailed
from penstock.source.closure import SourceCode, source_of
from penstock.store.catalog import Catalog

VERSION = "4"  # of what the analyst finds; another one asks anew
MODEL_VERSION = StructField("model_version", StringType())
# What was released under another contract.
MAKE_AGAIN = "Run the job that makes it (node '{}') again, or `run`."


class SourceFault(DataError):
    """What a node reads does not keep its contract: the fault is not that node's."""


class Analyst:
    """Analyses the nodes of one graph, each after those it reads from.

    What a record says of a node is taken over where its source, its parameters and the columns it
    reads are as they were: then Spark is not asked, and need not even be running.

    Attributes:
        columns: Table to its columns, of sources and of what has been analysed so far.
    """

    def __init__(
        self,
        request: Request,
        spark: SparkSession,
        catalog: Catalog,
        records: Mapping[str, Made],
    ) -> None:
        self._whole, self._params, self._settings = request.whole, request.params, request.settings
        self._spark, self._catalog, self._kinds = spark, catalog, catalog.kinds
        self._records = records
        self._unchecked = {*request.graph.sources}
        self._stand_ins: dict[str, DataFrame] = {}
        self.columns: dict[str, StructType | None] = {}

    def analyse(self, node: Node) -> Analysis:
        """Analyse a node whose inputs have been.

        Raises:
            SourceFault: A table from outside the plan does not keep its contract.
            Exception: Whatever its function, its estimator or Spark's analyzer objects to.
        """
        key = self._key(node)
        record = self._records.get(node.name)
        if record and record.analysis.get("key") == key:
            found = Analysis.of(record)
        else:
            self._check_sources(node)
            found = self._analysis(node)
            rules = {n: c for n, c in self._whole.contracts.items() if n in node.outputs}
            never = why_never([*filter(None, [found.never]), *clocks_in(rules)])
            found = replace(found, key=key, never=never)
        for name, schema in found.columns.items():
            self._catalog.check_partitions(name, schema)
        self.columns |= found.columns
        return found

    def _key(self, node: Node) -> str:
        """Return a digest of all that the analysis of a node depends on."""
        contracts = self._whole.contracts
        parts = {"version": VERSION, "kind": node.kind, "reads": repr(dict(node.reads))}
        parts["settings"] = plain(dict(self._settings))
        fits = self._fits_behind(node.inputs[0]) if node.kind == "apply" else []
        for fit in (node, *fits):
            source = source_of(fit.function) if fit.function else SourceCode({}, {}, (), ())
            parts |= source_parts(source)
            parts[f"parameters {fit.name}"] = plain(self._params[fit.name])
        for name in node.inputs:
            schema = self.columns.get(name)
            parts[f"input {name}"] = schema.json() if schema is not None else ""
        for name in (*node.inputs, *node.outputs):
            parts[f"contract {name}"] = f"{self._kinds[name]} {contracts.get(name)!r}"
        return digest(parts)

    def _check_sources(self, node: Node) -> None:
        str(self._spark.version)  # what follows needs a session that runs
        for name in [name for name in node.inputs if name in self._unchecked]:
            schema, contract = self.columns.get(name), self._whole.contracts.get(name)
            if schema and contract:
                where, maker = self._catalog.location(name), self._whole.producers.get(name)
                cure = MAKE_AGAIN.format(maker.name) if maker else ""
                try:
                    checking.check_columns(schema, contract, name, where, cure=cure)
                except DataError as error:
                    raise SourceFault(str(error)) from error
            self._unchecked.discard(name)

    def _analysis(self, node: Node) -> Analysis:
        match node.kind:
            case "transform" if all(self.columns.get(n) is not None for n in node.inputs):
                return self._transform(node)
            case "fit":
                return self._fit(node)
            case "apply":
                return self._apply(node)
            case "deploy":
                model, alias = node.inputs[0], node.outputs[0]
                return Analysis(edges={(alias, c): frozenset({(model, c)}) for c in ("", LABEL)})
            case _:
                return self._opaque(node)

    def _transform(self, node: Node) -> Analysis:
        inputs = {name: self._stand_in(name) for name in node.inputs}
        jobs_before = count_jobs(self._spark)
        results, plans = self._call(node, inputs)
        jobs = count_jobs(self._spark) - jobs_before
        source = source_of(node.stage_function)
        parts, never = source_parts(source, code=False), [*source.hidden]
        looks = [*source.looks_at_rows, *[f"{jobs} Spark job(s)"] * (jobs > 0)]
        notes = tuple(f"it looks at rows, by {look}: declare it Solve" for look in looks[:1])
        columns: dict[str, StructType | None] = {}
        edges: Columns = {}
        # Rows drawn from a range of numbers are raw: that all come from a number says nothing.
        is_drawn = all(self._kinds[name] == "range" for name in node.inputs)
        for name, result, plan in zip(node.outputs, results, plans, strict=True):
            columns[name] = stored = self._stored(name, result)
            if not is_drawn:
                made_from = columns_of(result, inputs)
                edges |= {(name, c): made_from[c] for c in (*stored.names, ROWS)}
            if plan is not None:
                parts[f"plan {name}"] = digest({plan.text: result.schema.json()})
                never += plan.why + plan.read_by_itself
        is_untold = any(p is None or p.runs_python or p.unknown_leaves for p in plans)
        if looks or is_untold:
            parts = source_parts(source) | parts
        elif any(not plan.is_deterministic for plan in plans if plan):
            # A seed drawn anew at each call shows as another plan.
            _, again = self._call(node, inputs)
            if [p and p.text for p in again] != [p and p.text for p in plans]:
                never.append("its plan differs from call to call: a seed or a clock hides in it")
        return Analysis(parts, source.functions, columns, why_never(never), notes, edges)

    def _call(
        self, node: Node, inputs: Mapping[str, DataFrame]
    ) -> tuple[list[DataFrame], list[CanonicalPlan | None]]:
        made = node.stage_function(*inputs.values(), **self._params[node.name])
        results = list(made) if isinstance(made, tuple) else [made]
        if len(results) != len(node.outputs) or not all(isinstance(r, DataFrame) for r in results):
            kinds = ", ".join(type(result).__name__ for result in results)
            raise NodeFailed(
                f"{node.stage_function.__name__} returned {kinds} for the outputs "
                f"{', '.join(node.outputs)}. Return one DataFrame for each, in that order."
            )
        return results, [canonical_plan(result) for result in results]

    def _stored(self, name: str, df: DataFrame) -> StructType:
        contract = self._whole.contracts.get(name)
        if contract is None or not contract.columns:
            return df.schema
        checking.check_columns(df.schema, contract, name, self._catalog.location(name))
        checking.check_rules(df, contract)
        is_stored = self._kinds[name] != "memory"
        return checking.stored_columns(df.schema, contract) if is_stored else df.schema

    def _fit(self, node: Node) -> Analysis:
        source = source_of(node.stage_function)
        estimator = node.stage_function(**self._params[node.name])
        if not isinstance(estimator, Estimator):
            raise NodeFailed(
                f"{node.stage_function.__name__} returned {type(estimator).__name__}; a Fit "
                "function returns an unfitted estimator."
            )
        table, *others = node.inputs
        stage_schemas.check_begin(estimator, others)
        notes: tuple[str, ...] = ()
        edges: Columns = {}
        never = [*source.hidden]
        if (schema := self.columns.get(table)) is not None:
            stage_schemas.check_fit(estimator, schema)
            reads, _ = stage_schemas.stage_columns(estimator)
            # A report says what to leave out: it is no feature.
            models = [(name, "") for name in others if self._kinds[name] in MODELS]
            edges = {
                (node.outputs[0], ""): frozenset([*((table, c) for c in reads), *models]),
                (node.outputs[0], LABEL): frozenset(
                    (table, c) for c in stage_schemas.label_columns(estimator)
                ),
            }
            never += stage_schemas.unseeded(estimator)
        else:
            notes = (f"the columns of {table} are not known before it is made",)
        parts = source_parts(source)
        return Analysis(parts, source.functions, {}, why_never(never), notes, edges)

    def _apply(self, node: Node) -> Analysis:
        (model, table), [output] = node.inputs, node.outputs
        schema, fits = self.columns.get(table), self._fits_behind(model)
        if schema is None or not fits or fits[0].function is None:
            note = f"the columns that {model} adds are not known before it is loaded"
            return Analysis(columns={output: self._promised(output)}, notes=(note,))
        estimator = fits[0].function(**self._params[fits[0].name])
        scored = StructType(
            [*stage_schemas.transformed_schema(estimator, schema).fields, MODEL_VERSION]
        )
        stored = self._stored(output, self._stand_in_of(output, scored))
        reads, _ = stage_schemas.stage_columns(estimator)
        made_from = frozenset({(model, ""), (model, LABEL), *((table, c) for c in reads)})
        edges: Columns = {
            (output, name): frozenset({(table, name)}) if name in schema.names else made_from
            for name in stored.names
        }
        edges[output, MODEL_VERSION.name] = frozenset({(model, "")})
        # The fitted model computes by the code that is there now, however old it is.
        sources = [source_of(fit.function) for fit in fits if fit.function]
        parts = {k: v for source in sources for k, v in source_parts(source).items()}
        code = {k: v for source in sources for k, v in source.functions.items()}
        return Analysis(parts, code, columns={output: stored}, edges=edges)

    def _opaque(self, node: Node) -> Analysis:
        """Measure, Gate, Solve, and a Transform of what is no table: its source says it all."""
        source = source_of(node.stage_function)
        notes, used = [], []
        for name in node.inputs:
            schema = self.columns.get(name)
            if name in node.reads and schema is not None:
                used += [(name, c) for c in checking.check_reads(name, node.reads[name], schema)]
            elif schema is not None:
                used += [(name, c) for c in schema.names]
                notes.append(f"what it reads of {name} is not checked: declare reads=")
            else:
                used.append((name, ""))
        columns = {n: self._promised(n) for n in node.outputs if self._kinds[n] in TABLES}
        edges: Columns = {(n, ""): frozenset(used) for n in node.outputs if n not in columns}
        for name, schema in columns.items():
            edges |= {(name, c): frozenset(used) for c in (schema.names if schema else ())}
        parts, never = source_parts(source), why_never(source.hidden)
        return Analysis(parts, source.functions, columns, never, tuple(notes), edges)

    def _promised(self, name: str) -> StructType | None:
        contract = self._whole.contracts.get(name)
        return columns_in(contract.columns) if contract and contract.columns else None

    def _fits_behind(self, model: str) -> list[Node]:
        """Return the Fit behind a model or alias, and those of models that it began with."""
        node = self._whole.producers.get(model)
        if node is None or node.kind == "deploy":
            return self._fits_behind(node.inputs[0]) if node else []
        begun = [n for n in node.inputs if self._kinds[n] in MODELS]
        return [node, *(fit for name in begun for fit in self._fits_behind(name))]

    def _stand_in(self, name: str) -> DataFrame:
        if name not in self._stand_ins:
            schema = self.columns[name]
            assert schema is not None
            self._stand_ins[name] = self._stand_in_of(name, schema)
        return self._stand_ins[name]

    def _stand_in_of(self, name: str, schema: StructType) -> DataFrame:
        # What is read from storage may be null, whatever the function promised.
        fields = [StructField(f.name, f.dataType, True, f.metadata) for f in schema.fields]
        return stand_in(self._spark, StructType(fields), name)
