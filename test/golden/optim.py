"""Writes trajectories.tsv, trajectories_more.tsv and schedules.tsv beside itself, from PyTorch (Debian's python3-torch).
usage: /usr/bin/python3 optim.py

Trajectories: Rosenbrock's valley in f64 from (-1.2, 1): name, steps taken, x, y, f. The configurations are those of
test/replay.c, then those of test/test_optim.c. Schedules: name, step, rate, and for the plateau the result that the
rate follows."""
import os
import torch
from torch import optim
from torch.optim import lr_scheduler as schedule

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = (0, 1, 2, 3, 5, 10, 20, 30, 40, 50, 100)

ASKED = {
    'sgd': lambda x, y: optim.SGD([x, y], 1e-3),
    'sgd_mom': lambda x, y: optim.SGD([x, y], 1e-4, momentum=.9),
    'sgd_nesterov': lambda x, y: optim.SGD([x, y], 1e-4, momentum=.9, nesterov=True),
    'sgd_mom_damp_wd': lambda x, y: optim.SGD([x, y], 1e-4, momentum=.9, dampening=.1, weight_decay=.01),
    'adam': lambda x, y: optim.Adam([x, y], .05),
    'adam_amsgrad_wd': lambda x, y: optim.Adam([x, y], .05, weight_decay=.01, amsgrad=True),
    'adamw': lambda x, y: optim.AdamW([x, y], .05, weight_decay=.01),
}
MORE = {
    'sgd_wd': lambda x, y: optim.SGD([x, y], 1e-3, weight_decay=.1),
    'sgd_nesterov_wd': lambda x, y: optim.SGD([x, y], 1e-4, momentum=.8, nesterov=True, weight_decay=.05),
    'sgd_groups': lambda x, y: optim.SGD([{'params': [x], 'momentum': 0}, {'params': [y], 'lr': 2e-4}], 1e-4,
                                         momentum=.5, weight_decay=.02),
    'adam_defaults': lambda x, y: optim.Adam([x, y]),
    'adam_betas_eps': lambda x, y: optim.Adam([x, y], .05, betas=(0, .9), eps=1e-3),
    'adam_groups': lambda x, y: optim.Adam([{'params': [x], 'lr': .1, 'betas': (.8, .99)},
                                            {'params': [y], 'weight_decay': .1, 'eps': 1e-2}], .05),
    'adamw_defaults': lambda x, y: optim.AdamW([x, y]),
    'adamw_amsgrad': lambda x, y: optim.AdamW([x, y], .05, weight_decay=.1, amsgrad=True),
    'adamw_groups': lambda x, y: optim.AdamW([{'params': [x], 'weight_decay': 0}, {'params': [y], 'lr': .02}], .05,
                                             weight_decay=.2),
}


def trajectories(name, configs):
    with open(os.path.join(HERE, name), 'w') as out:
        for name, make in configs.items():
            x, y = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (-1.2, 1.))
            opt = make(x, y)
            for step in range(STEPS[-1] + 1):
                opt.zero_grad()
                f = (1 - x) ** 2 + 100 * (y - x ** 2) ** 2
                if step in STEPS:
                    print(name, step, float(x).hex(), float(y).hex(), '%.17g' % float(f), sep='\t', file=out)
                f.backward()
                opt.step()


SCHEDULES = {
    'linear': (.5, 14, lambda o: schedule.LinearLR(o, .2, .8, 10)),
    'cosine': (.3, 10, lambda o: schedule.CosineAnnealingLR(o, 10, .01)),
    'polynomial': (.3, 14, lambda o: schedule.PolynomialLR(o, 10, 1.7)),
    'restarts_1': (.3, 30, lambda o: schedule.CosineAnnealingWarmRestarts(o, 7, 1, .02)),
    'restarts_3': (.3, 100, lambda o: schedule.CosineAnnealingWarmRestarts(o, 3, 3, .02)),
    'step': (.3, 20, lambda o: schedule.StepLR(o, 4, .3)),
    'milestones': (.3, 20, lambda o: schedule.MultiStepLR(o, [2, 5, 5, 11], .3)),
    'exponential': (.3, 20, lambda o: schedule.ExponentialLR(o, .9)),
    'one_cycle_100': (None, 99, lambda o: schedule.OneCycleLR(o, .3, 100)),
    'one_cycle_7': (None, 6, lambda o: schedule.OneCycleLR(o, .3, 7)),
    'triangle': (.01, 40, lambda o: schedule.CyclicLR(o, .01, .3, 8)),
}
RESULTS = [3, 2, 2.5, 2, 1.99, 1.999, 1.98, 1.97, 1.5, 1.6, 1.7, 1.6, 1.5, 1.4999, 1.4, float('nan'), 1.4, 1.4, 1.4, 1.4,
           1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.3, 1.3]
PLATEAUS = {
    'plateau': lambda o: schedule.ReduceLROnPlateau(o, threshold=0, threshold_mode='abs', eps=0),
    'plateau_set': lambda o: schedule.ReduceLROnPlateau(o, factor=.5, patience=2, threshold=.02, threshold_mode='abs',
                                                        min_lr=.03, eps=0),
    'plateau_max': lambda o: schedule.ReduceLROnPlateau(o, 'max', factor=.8, patience=3, threshold=.05,
                                                        threshold_mode='abs', eps=0),
}


def schedules(name):
    with open(os.path.join(HERE, name), 'w') as out:
        for name, (lr, last, make) in SCHEDULES.items():
            opt = optim.SGD([torch.zeros(1, requires_grad=True)], lr or 1, momentum=.9)
            s = make(opt)
            for t in range(last + 1):
                print(name, t, opt.param_groups[0]['lr'].hex(), sep='\t', file=out)
                opt.step()
                if t < last:
                    s.step()
        for name, make in PLATEAUS.items():
            opt = optim.SGD([torch.zeros(1, requires_grad=True)], .3)
            s = make(opt)
            for t, result in enumerate(RESULTS):
                s.step(result)
                print(name, t, opt.param_groups[0]['lr'].hex(), result, sep='\t', file=out)


trajectories('trajectories.tsv', ASKED)
trajectories('trajectories_more.tsv', MORE)
schedules('schedules.tsv')
