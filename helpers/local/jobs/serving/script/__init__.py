"""A user's own model code, as the framework images of SageMaker serve it.

A model.tar.gz with ``code/inference.py`` brings functions: ``model_fn``, and ``transform_fn`` or any of
``input_fn``, ``predict_fn`` and ``output_fn``. The model server hands each request to one of several worker
processes, which import the code and load the model each for itself (``pool``, ``worker``). They are processes
and not threads because that is what the real images have, because such code is seldom written for threads,
and because only a process can be ended when it hangs, or crash, or grow, without harm to the others.

What ``code/requirements.txt`` asks for must be installed already. It is checked and never installed
(``requirements``): nothing that a model brings may change the environment that everything else here runs in.
"""
